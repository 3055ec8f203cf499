"""One run's directory -> what it says. Nothing in the store is trusted.

A file that is half written, of the wrong type, or of another configuration raises one of BROKEN; whoever reads it names
it and leaves the run out.
"""

import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks.config import run_id
from benchmarks.machine.settings import runs
from benchmarks.store.run import PREDICTIONS, PSEUDO, Run, configuration

BROKEN = (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError, zlib.error)
METRICS = {  # name -> its key in metrics.jsonl and result.json, all of which are error rates in percent
    "error": "error",
    "validation": "validation",
    "accuracy": "error",
    "top1_accuracy": "error",
    "top5_accuracy": "top5",
    "balanced_accuracy": "balanced",
}
Result = dict[str, Any]


def result(run: Run) -> Result | str:
    """result.json of a finished run; or "missing", "begun", or what is wrong with the directory."""
    path = run / "result.json"
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return "begun" if run.folder.exists() else "missing"
    except OSError as error:
        return fault(path, error)
    try:
        found = json.loads(text)
        if found["steps"] != run.config["steps"]:
            raise ValueError(f"{found['steps']!r} steps, its configuration has {run.config['steps']}")
        reported(found, "error")
        number(found["seconds"])
        path = run / "config.yaml"
        if run_id(configuration(run.folder)) != run.id:
            raise ValueError("another run's configuration")
    except BROKEN as error:
        return fault(path, error)
    return dict(found)


def fault(path: Path, error: Exception) -> str:
    """One line that names the file and says what is wrong with it."""
    return " ".join(f"{path}: {type(error).__name__} {error}".split())


def number(value: Any, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number from 0 to {most}")
    return float(value)


def percent(error: Any, metric: str) -> float:
    """An error rate in percent -> the metric in percent; NaN where there was no test set (None)."""
    if error is None:
        return math.nan
    return 100 - number(error, 100) if metric.endswith("accuracy") else number(error, 100)


def reported(found: Result, metric: str, which: str = "") -> float:
    """The metric that the run's protocol reports, or `which` of "last", "median_last_20" and "best_on_test"."""
    return percent(found[METRICS[metric]][which or found["report"]], metric)


def timed(run: Run) -> Callable[[Result], float]:
    """What of a row or a result says how long training took, in seconds that can be compared.

    On one core the processor's time, which other work on the machine does not stretch; on a GPU, with several threads
    and in older runs, which have nothing else, the wall clock's.
    """
    environment = run.recorded
    alone = str(environment.get("device")) == "cpu" and environment.get("threads") == 1
    return lambda record: number(record["cpu_seconds"] if alone and "cpu_seconds" in record else record["seconds"])


def rows(run: Run) -> list[Result]:
    """Every evaluation of a finished run."""
    found = run.rows()
    last = found[-1]["step"] if found else 0
    if last != run.config["steps"]:
        raise ValueError(f"metrics.jsonl ends at step {last} of {run.config['steps']}")
    return found


def course(run: Run) -> pd.DataFrame:
    """The same as a frame, a line per evaluation. All columns are numbers but `recall`, a list with one per class.

    `seconds` is what `timed` says.
    """
    found, seconds = rows(run), timed(run)
    frame = pd.DataFrame(found).assign(seconds=[seconds(row) for row in found])
    if "recall" in frame:
        np.array(frame["recall"].tolist(), float)  # raises where it is no list, or not equally long everywhere
    return frame.assign(**{name: pd.to_numeric(frame[name]) for name in frame if name != "recall"})


def within(limit: float, metric: str, run: Run, best_on_test: bool) -> dict[str, float]:
    """value, step and time (in seconds) of the last evaluation within `limit` seconds of training, if there is one."""
    seconds = timed(run)
    seen = [row for row in rows(run) if seconds(row) <= limit]
    if not seen:
        return {}
    errors = [row[METRICS[metric]] for row in seen]
    value = percent(min(errors) if best_on_test else errors[-1], metric)
    return {"value": value, "step": seen[-1]["step"], "time": seconds(seen[-1])}


def final_pass(run: Run) -> pd.DataFrame:
    """pseudo.csv.gz: a line per unlabelled input, as the trained network labels it in the end.

    index, its place in the data set, is -1 in older runs, which do not say it.
    """
    frame = pd.read_csv(run / "pseudo.csv.gz")
    frame = frame.assign(index=frame.get("index", -1))[list(PSEUDO)].astype(float)
    return frame.astype({"index": int, "hidden": int, "label": int, "selected": int})


def predictions(folder: Path) -> pd.DataFrame:
    """predictions.csv.gz: a line per test input, as the trained network labels it in the end."""
    frame = pd.read_csv(folder / "predictions.csv.gz")[list(PREDICTIONS)].astype(float)
    return frame.astype({"index": int, "label": int, "prediction": int})


def strays() -> Iterator[str]:
    """What lies in the run store without being a run's directory."""
    folder = runs()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.name.startswith(".") and not (re.fullmatch("[0-9a-f]{12}", path.name) and path.is_dir()):
            yield str(path)
