"""Meta-T, Fig. 6: confusion matrices of the pseudo-labels under a long tail."""

from itertools import product

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from reports.figure.bands import named
from reports.figure.style import panels, styled

TITLE = "Fig. 6: confusion matrices"
CAPTION = (
    "Meta-T, Fig. 6. Pseudo-labels of the unlabelled set under a long tail. First in % of the inputs of a true class, "
    "where each row adds up to 100 (recall); then in % of a pseudo-label, where each column does (precision, of which "
    "the text speaks: 61 % of those labelled as class 9). Class 0 has the most inputs, the last the fewest. Counts are "
    "pooled over seeds."
)
FRAMES = ("pseudo_labels",)
ANNOTATED = 20  #: more classes are shown without numbers


KINDS = ("true class", "pseudo-label")  #: what a percentage is of


def matrix(pseudo: pd.DataFrame, n_classes: int, of: str = "true class") -> np.ndarray:
    """[true class, pseudo-label] in % of one of KINDS; NaN where that has no inputs."""
    known = pseudo[pseudo["hidden"] >= 0]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (known["hidden"].to_numpy(int), known["label"].to_numpy(int)), 1)
    total = counts.sum(KINDS.index(of) ^ 1, keepdims=True)
    return np.divide(100 * counts, total, out=np.full_like(counts, np.nan), where=total > 0)


@styled
def draw(pseudo: pd.DataFrame) -> Figure:
    """`pseudo` has row and column (a panel), seed, hidden (the true class) and label."""
    rows, columns = named(pseudo, "row"), named(pseudo, "column")
    n_classes = int(pseudo[["hidden", "label"]].to_numpy().max()) + 1
    figure, axes = panels(2 * len(columns), len(rows), width=3.5, height=3.4)
    for line, (column, of) in zip(axes, product(columns, KINDS), strict=True):
        for ax, row in zip(line, rows, strict=True):
            here = matrix(pseudo[(pseudo["row"] == row) & (pseudo["column"] == column)], n_classes, of)
            text = np.where(here >= 0.5, np.char.mod("%.0f", np.nan_to_num(here)), "")
            seaborn.heatmap(
                here, ax=ax, vmin=0, vmax=100, cmap="Blues", square=True, cbar=ax is line[-1],
                cbar_kws={"label": f"% of the {of}", "shrink": 0.72}, linewidths=0.4, linecolor="white",
                annot=text if n_classes <= ANNOTATED else None, fmt="", annot_kws={"fontsize": 7},
            )  # fmt: skip
            ax.set_title(f"{row}: {np.nanmean(np.diag(here)):.1f} % on average")
            ax.set_xlabel(f"pseudo-label ({column})")
            ax.set_ylabel("true class" if ax is line[0] else "")
            ax.tick_params(length=0)
    return figure
