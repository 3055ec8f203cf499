"""Means over seeds and their bands, on a grid that the seeds' curves share.

A band is pointwise: the 95 % bootstrap interval of the mean, which is too narrow where seeds are few. Three
seeds or fewer have none worth the name: their band is their range.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.figure.style import look

DRAWS, POINTS = 2000, 400
FEW = 3  #: so many seeds have a range, and no interval: all draws of the lowest have more than 2.5 % of the chances
BAND = "95 % bootstrap interval of the mean over seeds (of three or fewer: their range)"


def on_grid(curves: pd.DataFrame, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """One curve per seed -> grid [m], values [seeds, m], over the range of x that all seeds have.

    The grid has every x that a seed has (at most POINTS of them); between evaluations a curve is a straight line.
    """
    runs = [run.sort_values(x) for _, run in curves.dropna(subset=[x, y]).groupby("seed")]
    if not runs:
        return np.empty(0), np.empty((0, 0))
    low, high = max(run[x].min() for run in runs), min(run[x].max() for run in runs)
    grid = np.unique(np.concatenate([run[x] for run in runs]).astype(float))
    grid = grid[(grid >= low) & (grid <= high)]
    grid = grid[np.unique(np.linspace(0, len(grid) - 1, min(len(grid), POINTS)).round().astype(int))]
    return grid, np.stack([np.interp(grid, run[x], run[y]) for run in runs])


def bootstrap(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval of the mean over the first axis [n, m] -> low, high [m]; the range for n <= FEW."""
    if len(values) <= FEW:
        return values.min(0), values.max(0)
    picks = np.random.default_rng(seed).integers(len(values), size=(DRAWS, len(values)))
    weights = np.stack([(picks == k).mean(1) for k in range(len(values))], 1)  # [DRAWS, n]
    low, high = np.percentile(weights @ values, [2.5, 97.5], axis=0)
    return low, high


def by(runs: pd.DataFrame, x: str) -> np.ndarray:
    """[4, m]: each x, the mean of the runs' values there, and the low and high end of its band."""
    groups = [(at, group["value"].to_numpy()[:, None]) for at, group in runs.groupby(x)]
    return np.array([(at, values.mean(), *np.ravel(bootstrap(values))) for at, values in groups], dtype=float).T


def plot(ax: Axes, x: np.ndarray, values: np.ndarray, label: str, **look: Any) -> None:
    """The mean of values [seeds, m] over x [m] as a line, its band behind; nothing where there is no curve."""
    if not values.size:
        return
    ax.plot(x, values.mean(0), label=label, **look)
    if len(values) > 1:
        ax.fill_between(x, *bootstrap(values), color=look.get("color"), alpha=0.16, linewidth=0)


def over_training(ax: Axes, curves: pd.DataFrame, y: str, names: Sequence[str], by: str = "row") -> None:
    """The field y over training steps, a line and its band for each of the names that `by` has."""
    for name in names:
        plot(ax, *on_grid(curves[curves[by] == name], "step", y), name, **look(name, names))
    ax.set(xlabel="training step")
    ax.set_xlim(left=0)


def named(frame: pd.DataFrame, column: str) -> list[str]:
    """The values of a column in the order in which they first stand there."""
    return list(dict.fromkeys(frame[column]))
