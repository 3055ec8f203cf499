"""A run is a directory, done is a file, its name is its configuration. Imports no torch.

$SSL_RUNS/<id>/  config.yaml     the resolved configuration
                 env.json        commit, versions, device, command
                 metrics.jsonl   a row per evaluation
                 pseudo.csv.gz   final pass over the unlabelled inputs: hidden,label,confidence,threshold,selected
                 checkpoint.pt   replaced atomically, the previous one kept beside it
                 result.json     written last: its presence is "done"
"""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from benchmarks.config import run_id
from benchmarks.errors import UserError

VERSION = 1  #: of the run directory's layout
PSEUDO = ("hidden", "label", "confidence", "threshold", "selected")


def root() -> Path:
    """The folder of all runs, $SSL_RUNS or ./runs."""
    return Path(os.environ.get("SSL_RUNS", "runs"))


def write_atomically(path: Path, content: bytes) -> None:
    """Temporary file, flush to disk, rename: a reader sees the old file or the new one. Raises UserError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error.strerror}. Free space there or set SSL_RUNS to another folder"
        ) from error


class Run:
    """One run's directory."""

    def __init__(self, config: Mapping[str, Any], folder: Path | None = None) -> None:
        self.config = dict(config)
        self.id = run_id(self.config)
        self.folder = (folder or root()) / self.id

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def done(self) -> bool:
        return (self / "result.json").exists()

    def open(self, environment: Mapping[str, Any]) -> None:
        """Make the directory and say what runs there. Raises UserError where it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the run folder {self.folder}: {error.strerror}. Set SSL_RUNS to a writable folder"
            ) from error
        write_atomically(self / "config.yaml", yaml.safe_dump(self.config, sort_keys=False).encode())
        write_atomically(self / "env.json", _json(environment))

    def rows(self) -> list[dict[str, Any]]:
        """metrics.jsonl; a half-written last line is left out."""
        path = self / "metrics.jsonl"
        if not path.exists():
            return []
        lines = path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def cut(self, step: int) -> None:
        """Drop the rows of metrics.jsonl past `step`."""
        kept = [row for row in self.rows() if row["step"] <= step]
        write_atomically(self / "metrics.jsonl", b"".join(_json(row) for row in kept))

    def append(self, row: Mapping[str, Any]) -> None:
        try:
            with (self / "metrics.jsonl").open("ab") as file:
                file.write(_json(row))
        except OSError as error:
            raise UserError(
                f"cannot write {self / 'metrics.jsonl'}: {error.strerror}. Free space and run again"
            ) from error

    def write_pseudo(self, columns: Mapping[str, Iterable[Any]]) -> None:
        """pseudo.csv.gz from one iterable per name in PSEUDO."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(PSEUDO)
        writer.writerows(zip(*(columns[name] for name in PSEUDO), strict=True))
        write_atomically(self / "pseudo.csv.gz", gzip.compress(text.getvalue().encode(), mtime=0))

    def finish(self, result: Mapping[str, Any]) -> None:
        write_atomically(self / "result.json", _json(result))


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content) + "\n").encode()


@cache
def code_version() -> dict[str, Any]:
    """The suite's commit and whether the work tree differs from it; None outside a git checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            return subprocess.run(
                ["git", *arguments], cwd=here, capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None

    return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}


def environment(device: str, threads: int) -> dict[str, Any]:
    """What env.json holds."""
    names = ("torch", "torchvision", "numpy", "hydra-core")
    return {
        "layout": VERSION,
        **code_version(),
        "versions": {"python": sys.version.split()[0]} | {name: version(name) for name in names},
        "device": device,
        "threads": threads,
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
