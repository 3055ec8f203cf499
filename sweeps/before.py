"""Before a launch: is the data there, is there room for the runs, and how long will they take by what was measured?"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.data import files
from benchmarks.errors import UserError
from benchmarks.machine.progress import clock
from benchmarks.machine.settings import data, runs
from benchmarks.store.run import configuration
from sweeps.arrays import Array
from sweeps.sweep import Cell

NEWEST = 300  #: runs of the store whose steps are looked at
GB = 1e9
Kind = tuple[Any, ...]  #: what a step costs by
Pace = Mapping[Kind, float]  #: seconds of a step


def faults(cells: Sequence[Cell], room: float) -> list[str]:
    """What stands in the way, a sentence each. room: GB that the runs under way take of the store at a time."""
    found = []
    for name in sorted({cell.config["task"]["name"] for cell in cells}):
        if not (files.files(name) or (data() / name).exists()):
            known = name in files.PATTERNS
            remedy = f'make data DATASETS="{name}"' if known else f"put {name}.npz there (see the README)"
            found.append(f"the data set {name} is not in {data()}: {remedy}, or set SSL_DATA")
    if (free := _free(runs())) < room:
        found.append(
            f"the disk of {runs()} has {free:.1f} GB left, and the runs under way may take {room:.1f} GB: free some, "
            "set SSL_RUNS, or lower concurrency (disk_gb says what a run takes)"
        )
    return found


def check(cells: Sequence[Cell], room: float) -> None:
    """Raises UserError where something stands in the way."""
    if found := faults(cells, room):
        raise UserError("; ".join(found))


def _free(folder: Path) -> float:
    """GB left where the folder is, or will be."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / GB


class Estimate(NamedTuple):
    hours: float  #: of training in all; 0: nothing like these runs has been timed
    known: int  #: runs whose kind of step has been timed
    total: int

    def __str__(self) -> str:
        if not self.hours:
            return "no step of such runs has been timed yet: one finished run of a kind tells how long the others take"
        of = "" if self.known == self.total else f", which tell of {self.known} of them (the others as similar ones)"
        return f"about {clock(3600 * self.hours)} of training by the steps timed so far{of}"


def estimate(cells: Sequence[Cell], pace: Pace) -> Estimate:
    """How long these runs still train: by their own kind, or by other methods on the same network and batch."""
    alike: dict[Kind, list[float]] = {}
    for key, seconds in pace.items():
        alike.setdefault(key[1:], []).append(seconds)
    told, known = [], 0
    for cell in cells:
        key = kind(cell.config)
        known += key in pace
        if paces := [pace[key]] if key in pace else alike.get(key[1:]):
            told.append((cell.config["steps"] - _step(cell.run.folder)) * sum(paces) / len(paces))
    return Estimate(sum(told) / max(1, len(told)) * len(cells) / 3600, known, len(cells))


def cost(arrays: Sequence[Array]) -> str:
    """What job arrays take in all, by the newest runs of the store on the same kind of device."""
    said = []
    for gpu in (True, False):
        own = [array for array in arrays if bool(array.settings.gpus) == gpu]
        if not own:
            continue
        pace = measured(gpu)
        each = [(array.settings, estimate(list(chain.from_iterable(array.tasks)), pace)) for array in own]
        total = Estimate(*(sum(part) for part in zip(*(found for _, found in each), strict=True)))
        hours = sum(found.hours * s.gpus / s.runs_per_gpu for s, found in each)
        said.append(f"{total}, {hours:,.1f} GPU-hours" if gpu and total.hours else str(total))
    return "; ".join(dict.fromkeys(said))


def room(arrays: Sequence[Array]) -> float:
    """GB that the runs under way take of the store at a time."""
    return sum(a.settings.disk_gb * a.settings.runs_per_gpu * min(len(a.tasks), a.settings.concurrency) for a in arrays)


def kind(config: Mapping[str, Any]) -> Kind:
    """Runs of one kind take equally long a step."""
    protocol = config["protocol"]
    return config["method"]["name"], config["backbone"]["name"], protocol["batch"], protocol["ratio"]


def measured(gpu: bool) -> Pace:
    """Seconds of a step, by kind: the mean over those of the newest runs that were trained on such a device."""
    found: dict[Kind, list[float]] = {}
    newest = sorted(runs().glob("*/metrics.jsonl"), key=_changed, reverse=True)[:NEWEST]
    for path in newest:
        with suppress(
            OSError, ValueError, LookupError, TypeError, yaml.YAMLError
        ):  # a run that is broken tells nothing
            row, folder = _last(path), path.parent
            device = json.loads((folder / "env.json").read_text())["device"]
            if str(device).startswith("cuda") == gpu:
                config = configuration(folder)
                found.setdefault(kind(config), []).append(row["seconds"] / row["step"])
    return {key: sum(paces) / len(paces) for key, paces in found.items()}


def _changed(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _step(folder: Path) -> int:
    with suppress(OSError, ValueError, LookupError, TypeError):
        return int(_last(folder / "metrics.jsonl")["step"])
    return 0


def _last(path: Path) -> dict[str, Any]:
    """The last whole row of metrics.jsonl. Raises LookupError where there is none."""
    lines: Iterable[bytes] = path.read_bytes().splitlines(keepends=True)
    return dict(json.loads([line for line in lines if line.endswith(b"\n")][-1]))
