"""A sweep -> one tidy frame, a line per run that the table asks for. Reads only what each run's result needs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from sweeps.sweep import Cell, Sweep

COLUMNS = ("row", "column", "seed", "id", "value", "seconds", "steps", "share", "backbone", "labels", "fault")


def collect(sweep: Sweep, scale: str) -> pd.DataFrame:
    """Columns as in COLUMNS: `value` is the metric that the run's protocol reports, NaN where there is no result;

    `share`: steps done / steps of the protocol; `fault`: why a run directory could not be read, or empty.
    """
    return pd.DataFrame([_line(sweep.metric, cell) for cell in sweep.cells(scale)], columns=list(COLUMNS))


def _line(metric: str, cell: Cell) -> dict[str, Any]:
    config = cell.config
    line = {
        "row": cell.row,
        "column": cell.column,
        "seed": cell.seed,
        "id": cell.run.id,
        "value": float("nan"),
        "seconds": float("nan"),
        "steps": config["steps"],
        "share": config["steps"] / config["protocol"]["steps"],
        "backbone": config["backbone"]["name"],
        "labels": str(config["task"]["labels"]),
        "fault": "",
    }
    result = cell.run / "result.json"
    if result.exists():
        try:
            line |= read(result, metric)
        except (OSError, ValueError, KeyError, TypeError) as error:
            line["fault"] = f"{result}: {type(error).__name__} {error}"
    return line


def curves(sweep: Sweep, scale: str) -> pd.DataFrame:
    """Every evaluation of the table's runs: row, column, seed, and the fields of metrics.jsonl."""
    return _stack(sweep, scale, lambda cell: pd.DataFrame(cell.run.rows()))


def pseudo_labels(sweep: Sweep, scale: str) -> pd.DataFrame:
    """The final pass over the unlabelled inputs of the table's runs: row, column, seed, and pseudo.csv.gz's columns."""
    return _stack(sweep, scale, lambda cell: pd.read_csv(cell.run / "pseudo.csv.gz"))


def _stack(sweep: Sweep, scale: str, frame_of: Callable[[Cell], pd.DataFrame]) -> pd.DataFrame:
    frames = [
        frame_of(cell).assign(row=cell.row, column=cell.column, seed=cell.seed)
        for cell in sweep.cells(scale)
        if cell.run.done
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["row", "column", "seed"])


def read(path: Path, metric: str) -> dict[str, float]:
    """value and seconds of one result.json. Raises ValueError, KeyError or TypeError where it is not one."""
    result = json.loads(path.read_text())
    reported = result["report"]
    value = 100 - result["error"][reported] if metric == "accuracy" else result[metric][reported]
    return {"value": float(value), "seconds": float(result["seconds"])}
