"""Meta-T, Fig. 5: learned thresholds, by class and over training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figure.bands import named, on_grid, plot
from reports.figure.style import CYCLE, look, marker, panels, styled

TITLE = "Fig. 5: thresholds"
CAPTION = (
    "Meta-T, Fig. 5. (a) Learned thresholds τ of all unlabelled inputs at the end of training. (b) Mean τ by true "
    "class (bars) and test accuracy (points) under a long tail; many, medium and few are classes 0–3, 4–6 and 7–9. "
    "(c) Class-average τ over training; mean and 95 % bootstrap band over seeds."
)
FRAMES = ("pseudo_labels", "curves")
WIDTH = 0.01
GROUPS = ("Many", "Medium", "Few")


def distribution(tau: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Edges of bins of WIDTH from the first to the last that is not empty, and the share of inputs in each (%)."""
    count, edges = np.histogram(tau, bins=round(1 / WIDTH), range=(0, 1))
    first, last = np.flatnonzero(count)[[0, -1]]
    return edges[first : last + 2], 100 * count[first : last + 1] / count.sum()


def group(classes: np.ndarray, n_classes: int) -> np.ndarray:
    """0, 1, 2 (GROUPS) for classes 0-3, 4-6, 7-9 of ten, and in the same proportions of more."""
    return np.digitize(classes * 10 // n_classes, [4, 7])


def by_group(pseudo: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Mean threshold of each group [3]; an input belongs to its true class, or its label where nobody knows."""
    classes = pseudo["hidden"].where(pseudo["hidden"] >= 0, pseudo["label"]).to_numpy()
    means = pseudo["threshold"].groupby(group(classes, n_classes)).mean()
    return means.reindex(range(3)).to_numpy()


def accuracy(curves: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Mean recall (%) of each group [3] at the last evaluation, over seeds."""
    last = np.array(curves.sort_values("step").groupby("seed")["recall"].last().tolist(), dtype=float)
    groups = group(np.arange(n_classes), n_classes)
    return np.array([100 * np.nanmean(last[:, groups == g]) for g in range(3)])


def histogram(ax: Axes, pseudo: pd.DataFrame) -> None:
    for colour, column in zip(CYCLE[::3], named(pseudo, "column"), strict=False):
        edges, share = distribution(pseudo.loc[pseudo["column"] == column, "threshold"])
        ax.stairs(share, edges, fill=True, color=colour, alpha=0.25)
        ax.stairs(share, edges, color=colour, linewidth=1.2, label=column.removeprefix("a: "))
    ax.set(xlabel="threshold τ", ylabel="share of unlabelled inputs (%)", title="(a) learned thresholds")
    ax.margins(x=0.15)
    ax.legend()


def long_tail(ax: Axes, pseudo: pd.DataFrame, curves: pd.DataFrame) -> None:
    rows = named(pseudo, "row")
    n_classes = len(curves["recall"].iloc[0])
    width = 0.8 / len(rows)
    right = ax.twinx()
    for k, row in enumerate(rows):
        style = look(row, rows)
        x = np.arange(3) + (k - (len(rows) - 1) / 2) * width
        ax.bar(x, by_group(pseudo[pseudo["row"] == row], n_classes), width * 0.9, color=style["color"], alpha=0.45)
        right.plot(
            x, accuracy(curves[curves["row"] == row], n_classes), marker(row, rows), linestyle=":", linewidth=0.9,
            color=style["color"], markeredgecolor="white", markeredgewidth=0.6, markersize=6, label=row,
        )  # fmt: skip
    ax.set(xticks=range(3), xticklabels=GROUPS, ylim=(0, 1.3), yticks=np.linspace(0, 1, 6))
    right.set(ylim=(0, 130), yticks=range(0, 101, 20), ylabel="accuracy (%, points)")  # the legend stands above 100 %
    ax.set_ylabel("mean threshold τ (bars)")
    ax.set_title(f"(b) {named(pseudo, 'column')[0].removeprefix('b: ')}")
    ax.grid(visible=False, axis="x")
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    right.legend(loc="upper center", ncols=2)


def over_training(ax: Axes, curves: pd.DataFrame) -> None:
    rows = named(curves, "row")
    for row in rows:
        plot(ax, *on_grid(curves[curves["row"] == row], "step", "threshold"), row, **look(row, rows))
    ax.set(xlabel="training step", ylabel="class-average threshold τ", ylim=(0, 1.02))
    ax.set_title(f"(c) {named(curves, 'column')[0].removeprefix('c: ')}")
    ax.set_xlim(left=0)
    ax.legend(loc="lower right")


@styled
def draw(pseudo: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Both frames have row, column ("a: ...", "b: ..." or "c: ...") and seed; panels without runs are left out."""

    def panel(frame: pd.DataFrame, letter: str) -> pd.DataFrame:
        return frame[frame["column"].str.startswith(letter)]

    wanted = [letter for letter in "abc" if len(panel(curves, letter))]
    figure, axes = panels(1, len(wanted), width=3.8, height=2.9)
    figure.set_layout_engine("constrained", wspace=0.06)  # b's right axis is not c's
    for ax, letter in zip(axes.flat, wanted, strict=True):
        if letter == "a":
            histogram(ax, panel(pseudo, "a"))
        elif letter == "b":
            long_tail(ax, panel(pseudo, "b"), panel(curves, "b"))
        else:
            over_training(ax, panel(curves, "c"))
    return figure
