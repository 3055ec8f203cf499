"""What is compared with what: rows of ours seed by seed, and ours with the published numbers. Pure functions."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.table import stats
from sweeps.sweep import Sweep

COMPARE = ("row", "column", "mean", "n", "published_mean", "published_n", "difference", "ci_low", "ci_high", "mark")
PUBLISHED_SEEDS = {"TorchSSL README": 3}  # both papers say five; what they quote from there has three (erratum T17)
Seeds = Mapping[tuple[str, str], "pd.Series[float]"]  #: (row, column) -> its values by seed


def by_seed(runs: pd.DataFrame) -> Seeds:
    """The values of every cell that has any, by seed."""
    measured = runs.dropna(subset=["value"])
    return {key: cell.set_index("seed")["value"] for key, cell in measured.groupby(["row", "column"], sort=False)}


def to_baseline(sweep: Sweep, row: str, column: str, seeds: Seeds) -> dict[str, Any]:
    """A cell's paired difference to the table's baseline, from the seeds that both have; none for the baseline."""
    found = stats.Difference(math.nan, math.nan, math.nan, 0)
    if row != sweep.baseline and {(row, column), (sweep.baseline, column)} <= seeds.keys():
        found = stats.paired(seeds[row, column], seeds[sweep.baseline, column])
    return {
        "baseline": sweep.baseline if found.n else "",
        "pairs": found.n,
        "difference": found.mean,
        "difference_low": found.low,
        "difference_high": found.high,
    }


def leaders(sweep: Sweep, column: str, seeds: Seeds) -> set[str]:
    """The rows of a column that are not clearly worse than the best: no paired interval tells them apart from it.

    A cell of one seed is not judged, and a row that marks a limit (sweep.reference) does not compete.
    """
    sign = -1 if sweep.metric_of(column).endswith("accuracy") else 1
    found = {
        row: sign * values
        for (row, where), values in seeds.items()
        if where == column and row not in sweep.reference and len(values) > 1
    }
    if not found:
        return set()
    best = min(found.values(), key=lambda values: float(values.mean()))
    return {row for row, values in found.items() if not stats.paired(values, best).low > 0}


def second(sweep: Sweep, column: str, seeds: Seeds) -> str:
    """The row with the best mean of those that are clearly worse than the best; empty where there is none."""
    first = leaders(sweep, column, seeds)
    sign = -1 if sweep.metric_of(column).endswith("accuracy") else 1
    means = {
        row: sign * float(values.mean())
        for (row, where), values in seeds.items()
        if where == column and row not in (*first, *sweep.reference) and len(values) > 1
    }
    return min(means, key=means.__getitem__) if first and means else ""


def compare(frame: pd.DataFrame) -> pd.DataFrame:
    """Ours - published, with the columns of COMPARE, for every cell (a line of summarise) that has both.

    The 95 % interval is Welch's t from both means, stds and numbers of seeds; it is NaN where the paper prints no std
    or we have one seed. A printed std counts as a sample's (n - 1), for no paper says which it is; if it were the
    population's, its part would be sqrt(5 / 4) wider. `mark` says where like is not compared with like. There is no
    correction for the number of cells.
    """
    lines = []
    for cell in frame[frame["mean"].notna() & frame["published_mean"].notna()].itertuples():
        n = PUBLISHED_SEEDS.get(cell.source.partition(";")[0], 5)
        ours, theirs = (cell.mean, cell.std, cell.n), (cell.published_mean, cell.published_std, n)
        difference = (cell.mean - cell.published_mean, *stats.welch(ours, theirs))
        lines.append((cell.row, cell.column, cell.mean, cell.n, cell.published_mean, n, *difference, cell.mark))
    return pd.DataFrame(lines, columns=list(COMPARE))


def twins(runs: pd.DataFrame) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Rows that show the very same runs, and the columns in which they do.

    A row that has other runs elsewhere is named as well: what counts is a cell, all of its runs.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for column, part in runs.groupby("column", sort=False):
        same: dict[tuple[str, ...], list[str]] = {}
        for row, cell in part.sort_values("seed", kind="stable").groupby("row", sort=False):
            same.setdefault(tuple(cell["id"]), []).append(row)
        for rows in same.values():
            if len(rows) > 1:
                found.setdefault(tuple(rows), []).append(column)
    return [(rows, tuple(columns)) for rows, columns in found.items()]
