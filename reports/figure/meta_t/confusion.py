"""Meta-T, Fig. 6: confusion matrices of the pseudo-labels under a long tail."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figure.bands import named
from reports.figure.style import panels, styled

TITLE = "Fig. 6: confusion matrices"
CAPTION = (
    "Meta-T, Fig. 6. Pseudo-labels of the unlabelled set under a long tail; class 0 has the most inputs, the last the "
    "fewest. Above, in % of the inputs of a true class, so that the diagonal is the recall; below, in % of the inputs "
    "with a pseudo-label, so that it is the precision, of which the paper's text speaks. Counts are pooled over seeds."
)
FRAMES = ("pseudo_labels",)
KINDS = {"true class": "recall", "pseudo-label": "precision"}  #: what a row, and a column, adds up to 100 % of
ANNOTATED = 20  #: more classes are shown without numbers


def matrix(pseudo: pd.DataFrame, n_classes: int, of: str) -> np.ndarray:
    """[true class, pseudo-label] in % of the true class, or of the pseudo-label; NaN where there is no input of it."""
    known = pseudo[pseudo["hidden"] >= 0]
    return percent(tally(known["hidden"], known["label"], n_classes), axis=1 if of == "true class" else 0)


def tally(truth: pd.Series, said: pd.Series, n_classes: int) -> np.ndarray:
    """How many inputs of each class (rows) were said to be of each (columns)."""
    counts = np.zeros((n_classes, n_classes), int)
    np.add.at(counts, (truth.to_numpy(int), said.to_numpy(int)), 1)
    return counts


def percent(counts: np.ndarray, axis: int = 1) -> np.ndarray:
    """In % of the sums over an axis; NaN where such a sum is zero."""
    total = counts.sum(axis, keepdims=True)
    return np.divide(100 * counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


@styled
def draw(pseudo: pd.DataFrame) -> Figure:
    """`pseudo` has row and column (a panel), seed, hidden (the true class) and label."""
    rows, columns = named(pseudo, "row"), named(pseudo, "column")
    n_classes = int(pseudo[["hidden", "label"]].to_numpy().max()) + 1
    figure, axes = panels(len(KINDS) * len(columns), len(rows), width=3.5, height=3.4)
    for line, (column, (of, kind)) in zip(axes, product(columns, KINDS.items()), strict=True):
        for ax, row in zip(line, rows, strict=True):
            here = matrix(pseudo[(pseudo["row"] == row) & (pseudo["column"] == column)], n_classes, of)
            heat(ax, here, of, cbar=ax is line[-1])
            diagonal = np.diag(here)
            mean = np.nanmean(diagonal) if not np.isnan(diagonal).all() else np.nan
            ax.set_title(f"{row}: {kind} {mean:.1f} % on average")
            ax.set_xlabel(f"pseudo-label ({column})")
            ax.set_ylabel("true class" if ax is line[0] else "")
    return figure


def heat(ax: Axes, here: np.ndarray, of: str = "true class", **more: Any) -> None:
    """A matrix in %, its numbers written into it unless there are many classes; more: what seaborn's heatmap takes."""
    text = np.where(here >= 0.5, np.char.mod("%.0f", np.nan_to_num(here)), "")
    seaborn.heatmap(
        here, ax=ax, vmin=0, vmax=100, cmap="Blues", square=True, linewidths=0.4, linecolor="white",
        cbar_kws={"label": f"% of the {of}", "shrink": 0.72}, annot=text if len(here) <= ANNOTATED else None,
        fmt="", annot_kws={"fontsize": 7}, **more,
    )  # fmt: skip
    ax.tick_params(length=0)
