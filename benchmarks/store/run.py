"""A run is a directory, done is a file, its name is its configuration. Imports no torch.

$SSL_RUNS/<id>/  config.yaml     the resolved configuration
                 env.json        commit, versions, device, command
                 metrics.jsonl   a row per evaluation
                 claim.0001      who is at it (benchmarks.store.claim); error.txt: why the last attempt failed
                 pseudo.csv.gz   final pass over the unlabelled inputs: index,hidden,label,confidence,threshold,selected
                 predictions.csv.gz  the same over the test set, if there is one: index,label,prediction,confidence
                 model.pth       the graded network and what is needed to use it (benchmarks.store.model)
                 checkpoint.pt   replaced atomically, the previous one kept beside it
                 result.json     written last: its presence is "done"

Runs of an older configuration schema get their new names by `python -m benchmarks.store.migrate`.
"""

import contextlib
import csv
import gzip
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.config import run_id
from benchmarks.errors import UserError
from benchmarks.machine import settings
from benchmarks.store.disk import flush, write_atomically
from benchmarks.store.schema import latest

VERSION = 2  #: of the run directory's layout; 2: checkpoints hold both clocks
CLOCKS = ("seconds", "cpu_seconds", "load")  #: of a row and of result.json, what no two runs have in common
PSEUDO = ("index", "hidden", "label", "confidence", "threshold", "selected")  #: older runs have no index
PREDICTIONS = ("index", "label", "prediction", "confidence")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  #: the fast one, where it is there
COLUMNS = {"pseudo.csv.gz": PSEUDO, "predictions.csv.gz": PREDICTIONS}


class Run:
    """One run's directory."""

    def __init__(self, config: Mapping[str, Any], folder: Path | None = None) -> None:
        self.config = dict(config)
        self.id = run_id(self.config)
        self.folder = (folder or settings.runs()) / self.id

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def done(self) -> bool:
        return os.path.exists(self / "result.json")  # False, too, where the folder cannot be looked into

    def make(self) -> None:
        """Make the directory. Raises UserError where it cannot be made, or holds a newer version's run."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the run folder {self.folder}: {error.strerror}. Set SSL_RUNS to a writable folder"
            ) from error
        layout, schema = self.recorded.get("layout", VERSION), self.recorded.get("schema", 1)
        if layout > VERSION or schema > latest():
            raise UserError(
                f"{self.folder} was made by a newer version of the suite (layout {layout}, schema {schema}; this one "
                f"knows {VERSION} and {latest()}): update it, or set SSL_RUNS to another folder"
            )

    def open(self, environment: Mapping[str, Any]) -> None:
        """Make the directory and say what runs there. Raises UserError where it cannot be written."""
        self.make()
        former = {"formerly": self.recorded["formerly"]} if "formerly" in self.recorded else {}
        write_atomically(self / "config.yaml", yaml.safe_dump(self.config, sort_keys=False).encode())
        write_atomically(self / "env.json", _json({"layout": VERSION, "schema": latest(), **environment, **former}))

    def remember(self, **facts: Any) -> None:
        """Add facts to env.json. Raises UserError where it cannot be written."""
        write_atomically(self / "env.json", _json(self.recorded | facts))

    @property
    def recorded(self) -> dict[str, Any]:
        """What env.json says; empty where there is none or it is unreadable."""
        try:
            found = json.loads((self / "env.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def names(self) -> set[str]:
        """Its id, and those that it had under older schemas."""
        return {self.id, *self.recorded.get("formerly", [])}

    def rows(self) -> list[dict[str, Any]]:
        """metrics.jsonl up to the first line that is half written."""
        path = self / "metrics.jsonl"
        rows: list[dict[str, Any]] = []
        for line in path.read_text(errors="replace").splitlines(keepends=True) if path.exists() else []:
            try:
                rows.append(json.loads(line if line.endswith("\n") else ""))
            except ValueError:
                break
        return rows

    def cut(self, step: int, rows: int = 0) -> None:
        """Drop the rows of metrics.jsonl past `step`. Raises UserError where fewer than `rows` are left."""
        kept = [row for row in self.rows() if row["step"] <= step]
        if len(kept) < rows:
            raise UserError(
                f"{self / 'metrics.jsonl'} has {len(kept)} of the {rows} rows before step {step}: "
                f"restore it, or delete its folder to start over"
            )
        write_atomically(self / "metrics.jsonl", b"".join(_json(row) for row in kept))

    def sync(self) -> int:
        """metrics.jsonl to the disk; returns how many rows it has."""
        if (self / "metrics.jsonl").exists():
            flush(self / "metrics.jsonl")
        return len(self.rows())

    def append(self, row: Mapping[str, Any]) -> None:
        try:
            with (self / "metrics.jsonl").open("ab") as file:
                file.write(_json(row))
        except OSError as error:
            raise UserError(
                f"cannot write {self / 'metrics.jsonl'}: {error.strerror}. Free space and run again"
            ) from error

    def write(self, name: str, columns: Mapping[str, Iterable[Any]]) -> None:
        """pseudo.csv.gz or predictions.csv.gz, from one iterable for each of its columns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS[name])
        writer.writerows(zip(*(columns[column] for column in COLUMNS[name]), strict=True))
        write_atomically(self / name, gzip.compress(text.getvalue().encode(), mtime=0))

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write result.json; then what only an unfinished run needs may go."""
        write_atomically(self / "result.json", _json(result))
        self.tidy()

    def tidy(self) -> None:
        """Remove checkpoints, the claim, and half-written files of killed processes."""
        for path in self.folder.iterdir():
            if path.suffix == ".pt" or path.name.startswith((".", "claim.", "error.txt")):
                with contextlib.suppress(OSError):
                    path.unlink()


def configuration(folder: Path) -> dict[str, Any]:
    """What config.yaml of a run's folder says. Raises OSError, yaml.YAMLError or ValueError where it is none."""
    found = yaml.load((folder / "config.yaml").read_bytes(), LOADER)
    if not isinstance(found, dict):
        raise ValueError("no configuration")
    return found


def located(name: str | Path) -> Path:
    """What is meant by a run's id in the store, or by a path. Raises UserError where there is nothing."""
    path = next((path for path in (settings.runs() / name, Path(name)) if path.exists()), None)
    if path is None:
        raise UserError(f"there is no run {name} in {settings.runs()}: say its id, or where its folder lies")
    return path


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content) + "\n").encode()
