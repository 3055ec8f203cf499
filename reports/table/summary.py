"""Runs (`reports.collect.frames`) -> the cells of a table, its totals and its times. Pure functions of a frame."""

import math
import re
from typing import Any

import pandas as pd

from reports.paper.published import published, tables
from reports.table import compare, stats
from reports.table.tails import tails
from sweeps.sweep import ON_DIGITS, Sweep

CSV = (
    *("row", "column", "mean", "std", "n", "ci_low", "ci_high", "best"),
    *("baseline", "pairs", "difference", "difference_low", "difference_high"),
    *("published_mean", "published_std", "mark"),
)
SEEDS = ("row", "column", "seed", "metric", "unit", "value", "report", "choice", "step", "seconds", "state", "run")
KEYS = ["row", "column"]


def summarise(sweep: Sweep, name: str, scale: str, runs: pd.DataFrame) -> pd.DataFrame:
    """A line per cell of the table, with the columns of CSV and some more.

    `std` is the sample's (n - 1), `best` says that the cell is not clearly worse than the best (compare.leaders), and
    `difference` is the paired one to the row `baseline`, from `pairs` seeds. At demo and smoke scale the published
    columns are empty. The further columns are

    - second: the cell is the best of the others;
    - wanted: how many seeds the cell should have;
    - state: measured, missing, too early (done, but no evaluation within the time), outdated (its data set has
      changed), absent (a dash in the paper) or not implemented;
    - share, limit, step and time: as in the runs' frame, the least share and the mean of the others;
    - printed and source: the published number, verbatim, and whose it is.
    """
    name = sweep.published or name
    paper = {} if scale in ON_DIGITS or name not in tables() else _paper(name)
    own = dict(list(runs.groupby(KEYS, sort=False)))
    seeds = compare.by_seed(runs)
    best = {(row, column) for column in sweep.columns_at(scale) for row in compare.leaders(sweep, column, seeds)}
    runners_up = {(compare.second(sweep, column, seeds), column) for column in sweep.columns_at(scale)}
    lines = []
    for row in sweep.rows:
        for column in sweep.columns_at(scale):
            cell = own.get((row, column), runs[:0])
            values = cell["value"].dropna()
            known = paper.get((row, column), {})
            lines.append(
                {"row": row, "column": column, "mean": values.mean(), "std": values.std(), "n": len(values)}
                | dict(zip(("ci_low", "ci_high"), stats.interval(values), strict=True))
                | {"best": (row, column) in best, "second": (row, column) in runners_up}
                | compare.to_baseline(sweep, row, column, seeds)
                | {
                    "published_mean": known.get("mean", math.nan),
                    "published_std": known.get("std", math.nan),
                    "mark": ";".join(_marks(cell, known, column, row in sweep.reference)) if len(values) else "",
                    "wanted": len(sweep.seeds_at(scale)),
                    "state": sweep.state(row, column, scale) or _state(cell),
                    "share": cell["share"].min(),
                    "limit": cell["limit"].mean(),
                    "step": cell["step"].mean(),
                    "time": cell["time"].mean(),
                    "printed": "±".join(known[key] for key in ("mean_text", "std_text") if known.get(key)),
                    "source": known.get("source", ""),
                }
            )
    return pd.DataFrame(lines)


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows and columns that have a number of ours."""
    own = frame[frame["state"] == "measured"]
    return frame[frame["row"].isin(own["row"]) & frame["column"].isin(own["column"])]


def tidy(sweep: Sweep, runs: pd.DataFrame) -> pd.DataFrame:
    """A line per run, each number with its metric and unit: what another program may read. Under a long tail more."""
    every = pd.concat([runs.assign(metric=runs["column"].map(sweep.metric_of)), tails(runs)], ignore_index=True)
    return every.rename(columns={"id": "run"}).assign(unit="%")[list(SEEDS)]


def _paper(name: str) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = published(name).set_index(KEYS).to_dict("index")
    return found


def _state(cell: pd.DataFrame) -> str:
    if cell["value"].notna().any():
        return "measured"
    states = set(cell["state"])
    return "too early" if "done" in states else "outdated" if "outdated" in states else "missing"


def _marks(cell: pd.DataFrame, known: dict[str, Any], column: str, reference: bool) -> list[str]:
    """What sets a measured cell apart from the published one; keys of text.SIGNS."""
    marks = []
    if cell["share"].min() < 1:
        marks.append("budget")
    if (cell["value"].notna() & (cell["stale"] != "")).any():
        marks.append("code")
    if "words" in set(cell["wording"]):
        marks.append("words")
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


def totals(sweep: Sweep, frame: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """A line (row, mean, ci_low, ci_high, rank) per row that is measured in every measured column, best rank first.

    `mean` is that of the columns' means, and NaN where their metrics differ; its interval is a stratified bootstrap
    over seeds. `rank` is the mean over columns of the row's rank among these rows.
    """
    grid = frame[~frame["row"].isin(sweep.reference)].pivot(index="row", columns="column", values="mean")
    grid = grid.dropna(axis=1, how="all").dropna(axis=0)
    empty = pd.DataFrame(columns=["row", "mean", "ci_low", "ci_high", "rank"])
    if min(grid.shape) < 2 or sweep.timed:
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
    """When each cell of a column with a budget was read: row, column, limit, time, step and n, the number of seeds.

    `limit` is the budget in seconds of training, `time` and `step` are those of the evaluation, means over the seeds.
    """
    timed = frame[frame["limit"].notna()]
    return timed[["row", "column", "limit", "time", "step", "n"]].reset_index(drop=True)
