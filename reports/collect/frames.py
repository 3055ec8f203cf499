"""A sweep -> a frame with a line per run, per evaluation or per pseudo-label. Only what a frame needs is read."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.provenance import other_code, other_data
from benchmarks.store.run import Run
from reports.collect import read
from reports.collect.chosen import chosen, undecided
from sweeps.sweep import Budget, Cell, Sweep

COLUMNS = (
    *("row", "column", "seed", "id", "value", "seconds", "steps", "share", "backbone", "labels", "wording", "fault"),
    *("state", "stale", "report", "limit", "step", "time", "gamma", "recall", "choice"),
)


def collect(sweep: Sweep, scale: str, best_on_test: bool = False, hours: bool = False) -> pd.DataFrame:
    """A line per run that the table asks for, with the columns of COLUMNS.

    `value` is the metric that the run's protocol reports, NaN where there is no result, and `report` says which of its
    numbers that is. `seconds` are those of the whole training, as `read.timed` counts them, and `share` is the share of
    the protocol's steps that the run does. `state` is done, begun, missing, faulty, outdated (made of other data than
    are here now, so that it has no value) or undecided (done, but a choice waits for other runs); `fault` says why a
    run's directory could not be read, and `stale` how its code or data differ from today's. In a column with a time
    budget `limit` is the budget in seconds (hours: as printed, however fast our device is), and `value`, `step` and
    `time` (seconds of training) are those of the last evaluation within it. `recall` has the last evaluation's for each
    class, `gamma` is the imbalance of the labelled inputs (NaN without a long tail), and `wording` says what strong
    views of texts are (empty for images). `choice` is what a validation set has chosen, if the row has choices; while
    it cannot choose, all of them have a line and none a value.
    """
    cells, found, waiting = _found(sweep, scale)
    lines = [_line(sweep.metric_of(cell.column), cell, found[cell.run.id], best_on_test) for cell in cells]
    for line, cell in zip(lines, cells, strict=True):
        if (cell.row, cell.column) in waiting and line["state"] == "done":
            line |= {"value": math.nan, "state": "undecided"}
        budget = sweep.budgets.get(cell.column)
        if budget:
            line |= {"value": math.nan, "step": math.nan, "time": math.nan, "limit": _limit(budget, line, lines, hours)}
            if line["state"] == "done":
                try:
                    line |= read.within(line["limit"], sweep.metric_of(cell.column), cell.run, best_on_test)
                except read.BROKEN as error:
                    line |= {"state": "faulty", "fault": read.fault(cell.run / "metrics.jsonl", error)}
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _found(sweep: Sweep, scale: str) -> tuple[list[Cell], dict[str, read.Result | str], set[tuple[str, str]]]:
    """The table's cells, without the choices that lost; what all runs say, by id; and where a choice is still open."""
    cells = list(sweep.cells(scale))
    found = {run.id: read.result(run) for run in {cell.run.id: cell.run for cell in cells}.values()}
    cells = chosen(cells, found)
    return cells, found, undecided(cells)


def _line(metric: str, cell: Cell, found: read.Result | str, best_on_test: bool) -> dict[str, Any]:
    config = cell.config
    line = {
        "row": cell.row,
        "column": cell.column,
        "seed": cell.seed,
        "id": cell.run.id,
        "value": math.nan,
        "seconds": math.nan,
        "steps": config["steps"],
        "share": config["steps"] / config["protocol"]["steps"],
        "backbone": config["backbone"]["name"],
        "labels": str(config["task"]["labels"]),
        "wording": config["task"]["augment"].get("strong", ""),
        "fault": "",
        "state": "done",
        "stale": "",
        "report": "best_on_test" if best_on_test else config["protocol"]["report"],
        "limit": math.nan,
        "step": math.nan,
        "time": math.nan,
        "gamma": (config["task"]["imbalance"] or {}).get("gamma_l", math.nan),
        "recall": [],
        "choice": cell.choice,
    }
    if isinstance(found, str):
        return line | ({"state": found} if found in ("missing", "begun") else {"state": "faulty", "fault": found})
    try:
        value = read.reported(found, metric, "best_on_test" if best_on_test else "")
    except read.BROKEN as error:
        return line | {"state": "faulty", "fault": read.fault(cell.run / "result.json", error)}
    if outdated := other_data(cell.run):
        return line | {"state": "outdated", "stale": outdated}
    line["stale"] = other_code(cell.run)
    seconds = read.timed(cell.run)(found)
    done = {"value": value, "seconds": seconds, "step": found["steps"], "time": seconds}
    return line | done | {"recall": found.get("recall", [])}


def _limit(budget: Budget, line: dict[str, Any], lines: list[dict[str, Any]], hours: bool) -> float:
    """A budget in seconds of training; NaN while no run that it is a share of has ended."""
    of = [x["seconds"] for x in lines if (x["row"], x["column"], x["state"]) == (budget.of, line["column"], "done")]
    share = (budget.share or 0) * sum(of) / len(of) if of else math.nan
    printed = math.nan if budget.hours is None else 3600 * budget.hours
    if budget.hours is None or (share < printed and not hours):  # done before the paper's was: its hours would collapse
        return share
    return printed


def curves(sweep: Sweep, scale: str) -> pd.DataFrame:
    """A line per evaluation of the table's finished runs: row, column, seed, and the fields of metrics.jsonl.

    Here and in `pseudo_labels`, attrs["faults"] of the frame names what could not be read.
    """
    return _stack(sweep, scale, read.course)


def pseudo_labels(sweep: Sweep, scale: str) -> pd.DataFrame:
    """A line per unlabelled input of the table's finished runs: row, column, seed, and the columns of pseudo.csv.gz."""
    return _stack(sweep, scale, read.final_pass)


def _stack(sweep: Sweep, scale: str, frame_of: Callable[[Run], pd.DataFrame]) -> pd.DataFrame:
    frames: list[pd.DataFrame] = []
    faults: dict[str, str] = {}
    cells, results, waiting = _found(sweep, scale)
    for cell in cells:
        if (cell.row, cell.column) in waiting:
            continue
        found = results[cell.run.id]
        if isinstance(found, str):
            if found not in ("missing", "begun"):
                faults[cell.run.id] = found
            continue
        try:
            frames.append(frame_of(cell.run).assign(row=cell.row, column=cell.column, seed=cell.seed))
        except read.BROKEN as error:
            faults[cell.run.id] = read.fault(cell.run.folder, error)
    stacked = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["row", "column", "seed"])
    stacked.attrs["faults"] = list(faults.values())
    return stacked
