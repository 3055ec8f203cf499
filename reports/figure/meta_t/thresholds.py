"""Meta-T, Fig. 5: learned thresholds, by class and over training."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figure.bands import BAND, named, over_training
from reports.figure.style import CYCLE, look, panels, styled

TITLE = "Fig. 5: thresholds"
CAPTION = (
    "Meta-T, Fig. 5. (a) Learned thresholds τ of all unlabelled inputs at the end of training. (b) Mean τ by true "
    "class, and below it the test accuracy, under a long tail; many, medium and few are classes 0–3, 4–6 and 7–9. "
    f"(c) Class-average τ over training: mean, and its band: {BAND}."
)
FRAMES = ("pseudo_labels", "curves")
WIDTH = 0.01
GROUPS = ("Many", "Medium", "Few")
HATCHES = ("", "///", "...", "xx")


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


def long_tail(above: Axes, below: Axes, pseudo: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Bars of a method side by side: thresholds above, accuracies below."""
    rows = named(pseudo, "row")
    n_classes = len(curves["recall"].iloc[0])
    width = 0.8 / len(rows)
    for k, row in enumerate(rows):
        x = np.arange(3) + (k - (len(rows) - 1) / 2) * width
        bars: Any = {"color": look(row, rows)["color"], "hatch": HATCHES[k % len(HATCHES)], "edgecolor": "white"}
        above.bar(x, by_group(pseudo[pseudo["row"] == row], n_classes), width * 0.9, label=row, **bars)
        below.bar(x, accuracy(curves[curves["row"] == row], n_classes), width * 0.9, **bars)
    above.set(ylim=(0, 1), yticks=(0, 0.5, 1), ylabel="mean τ")
    below.set(ylim=(0, 100), yticks=(0, 50, 100), ylabel="accuracy (%)")
    above.set_title(f"(b) {named(pseudo, 'column')[0].removeprefix('b: ')}")
    for ax in (above, below):
        ax.set(xticks=range(3), xticklabels=GROUPS)
        ax.grid(visible=False, axis="x")
    above.tick_params(labelbottom=False)
    above.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=4, fontsize=6.5, handlelength=1.2, columnspacing=0.8
    )


def class_average(ax: Axes, curves: pd.DataFrame) -> None:
    over_training(ax, curves, "threshold", named(curves, "row"))
    ax.set(ylabel="class-average threshold τ", ylim=(0, 1.02))
    ax.set_title(f"(c) {named(curves, 'column')[0].removeprefix('c: ')}")
    ax.legend(loc="lower right")


@styled
def draw(pseudo: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Both frames have row, column ("a: ...", "b: ..." or "c: ...") and seed; panels without runs are left out."""

    def panel(frame: pd.DataFrame, letter: str) -> pd.DataFrame:
        return frame[frame["column"].str.startswith(letter)]

    wanted = [letter for letter in "abc" if len(panel(curves, letter))]
    figure, axes = panels(1, len(wanted), width=3.8, height=2.9)
    for ax, letter in zip(axes.flat, wanted, strict=True):
        if letter == "a":
            histogram(ax, panel(pseudo, "a"))
        elif letter == "b":
            halves = ax.get_subplotspec().subgridspec(2, 1)
            ax.remove()
            above, below = (figure.add_subplot(half) for half in halves)
            long_tail(above, below, panel(pseudo, "b"), panel(curves, "b"))
        else:
            class_average(ax, panel(curves, "c"))
    return figure
