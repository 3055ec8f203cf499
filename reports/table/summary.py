"""Runs (reports.collect.frames) -> what a table says: cells, comparisons, totals, notes. Pure functions of a frame."""

import math
import re
from itertools import combinations
from typing import Any

import pandas as pd

from reports.paper.published import published
from reports.table import stats
from sweeps.sweep import DEMO_SEEDS, Sweep

CSV = ("row", "column", "mean", "std", "n", "ci_low", "ci_high", "published_mean", "published_std", "mark")
COMPARE = ("row", "column", "mean", "n", "published_mean", "published_n", "difference", "ci_low", "ci_high", "mark")
PUBLISHED_SEEDS = {"TorchSSL README": 3}  # both papers say five; what they quote from there has three (erratum T17)
KEYS = ["row", "column"]


def summarise(sweep: Sweep, name: str, scale: str, runs: pd.DataFrame) -> pd.DataFrame:
    """A line per cell of the table, columns as in CSV, and besides: wanted (seeds), state, best, rank, share, limit,

    step and time (means over the runs), printed and source (the published number, verbatim, and whose it is).
    std is the sample's (n - 1).
    state: measured, missing, too early (done, but no evaluation within the time), absent (a dash in the paper) or not
    implemented. At demo and smoke scale the published columns stay empty.
    """
    paper = {} if scale in DEMO_SEEDS else _paper(name)
    own = dict(list(runs.groupby(KEYS, sort=False)))
    lines = []
    for row in sweep.rows:
        for column in sweep.columns_at(scale):
            cell = own.get((row, column), runs[:0])
            values = cell["value"].dropna()
            low, high = stats.interval(values)
            known = paper.get((row, column), {})
            line = {
                "row": row,
                "column": column,
                "mean": values.mean(),
                "std": values.std(),
                "n": len(values),
                "ci_low": low,
                "ci_high": high,
                "published_mean": known.get("mean", math.nan),
                "published_std": known.get("std", math.nan),
                "mark": "",
                "wanted": sweep.seeds_at(scale),
                "state": sweep.state(row, column, scale) or _state(cell),
                "share": cell["share"].min(),
                "limit": cell["limit"].mean(),
                "step": cell["step"].mean(),
                "time": cell["time"].mean(),
                "printed": "±".join(known[key] for key in ("mean_text", "std_text") if known.get(key)),
                "source": known.get("source", ""),
            }
            if len(values):
                line["mark"] = ";".join(_marks(cell, known, column, row in sweep.reference))
            lines.append(line)
    frame = pd.DataFrame(lines)
    ranked = frame.assign(mean=frame["mean"].where(~frame["row"].isin(sweep.reference)))
    grid = ranked.pivot(index="row", columns="column", values="mean")
    ranks = stats.ranks(grid, [c for c in grid if sweep.metric_of(c).endswith("accuracy")])
    frame["rank"] = [ranks.loc[row, column] for row, column in zip(frame["row"], frame["column"], strict=True)]
    frame["best"] = frame["rank"] == frame.groupby("column")["rank"].transform("min")
    return frame


def _paper(name: str) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = published(name).set_index(KEYS).to_dict("index")
    return found


def _state(cell: pd.DataFrame) -> str:
    if cell["value"].notna().any():
        return "measured"
    return "too early" if (cell["state"] == "done").any() else "missing"


def _marks(cell: pd.DataFrame, known: dict[str, Any], column: str, reference: bool) -> list[str]:
    """What sets a measured cell apart from the published one; keys of render.SIGNS."""
    marks = []
    if cell["share"].min() < 1:
        marks.append("budget")
    if not known:
        return marks
    if known["backbone"] and set(cell["backbone"]) != {known["backbone"]}:
        marks.append("backbone")
    labels = re.fullmatch(r"[\w-]+/(\d+)( @\w+)?", column)
    if labels and not reference and set(cell["labels"]) != {labels[1]}:
        marks.append("labels")
    if known["source"].startswith("TorchSSL README") and "best_on_test" not in set(cell["report"]):
        marks.append("selection")
    return marks


def compare(frame: pd.DataFrame) -> pd.DataFrame:
    """Ours - published, columns as in COMPARE, for every cell that has both; its 95 % interval by Welch's t from both

    means, stds and numbers of seeds, NaN where the paper prints no std or we have one seed. A printed std counts as a
    sample's (n - 1), for no paper says which it is; were it the population's, its part would be sqrt(5 / 4) wider.
    `mark` says where like is not compared with like. No correction for the number of cells.
    """
    lines = []
    for cell in frame[frame["mean"].notna() & frame["published_mean"].notna()].itertuples():
        n = PUBLISHED_SEEDS.get(cell.source.partition(";")[0], 5)
        ours, theirs = (cell.mean, cell.std, cell.n), (cell.published_mean, cell.published_std, n)
        difference = (cell.mean - cell.published_mean, *stats.welch(ours, theirs))
        lines.append((cell.row, cell.column, cell.mean, cell.n, cell.published_mean, n, *difference, cell.mark))
    return pd.DataFrame(lines, columns=list(COMPARE))


def totals(sweep: Sweep, frame: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """row, mean, ci_low, ci_high, rank over all measured columns, for the rows that have all of them, best rank first.

    mean: of the columns' means, NaN where their metrics differ; its interval: stratified bootstrap over seeds; rank:
    the mean over columns of the row's rank among these rows.
    """
    grid = frame[~frame["row"].isin(sweep.reference)].pivot(index="row", columns="column", values="mean")
    grid = grid.dropna(axis=1, how="all").dropna(axis=0)
    empty = pd.DataFrame(columns=["row", "mean", "ci_low", "ci_high", "rank"])
    if min(grid.shape) < 2 or sweep.budgets:  # one run at several times is no several columns
        return empty
    metrics = {column: sweep.metric_of(column) for column in grid}
    ranks = stats.ranks(grid, [c for c, metric in metrics.items() if metric.endswith("accuracy")]).mean(axis=1)
    lines = []
    for row in sorted(grid.index, key=lambda row: (ranks[row], list(sweep.rows).index(row))):
        mean, ci = math.nan, (math.nan, math.nan)
        if len(set(metrics.values())) == 1:
            of_row = runs[(runs["row"] == row) & runs["value"].notna()]
            mean = grid.loc[row].mean()
            ci = stats.stratified([of_row.loc[of_row["column"] == column, "value"].tolist() for column in grid])
        lines.append((row, mean, *ci, ranks[row]))
    return pd.DataFrame(lines, columns=list(empty.columns))


def time_axis(frame: pd.DataFrame) -> pd.DataFrame:
    """row, column, limit (the budget, in seconds of training), time and step of the evaluation read, seeds: n.

    Means over the seeds; only columns that have a budget.
    """
    timed = frame[frame["limit"].notna()]
    return timed[["row", "column", "limit", "time", "step", "n"]].reset_index(drop=True)


def twins(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Rows that show the very same runs wherever both have any."""
    own = {row: part.set_index(["column", "seed"])["id"].to_dict() for row, part in runs.groupby("row", sort=False)}
    return [
        (a, b)
        for a, b in combinations(own, 2)
        if (shared := own[a].keys() & own[b].keys()) and all(own[a][key] == own[b][key] for key in shared)
    ]
