"""A run's files are whole or not there."""

import errno
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.config import compose
from benchmarks.errors import UserError
from benchmarks.run import execute
from benchmarks.store import disk, model
from benchmarks.store import run as runs
from benchmarks.store.disk import write_atomically
from benchmarks.store.run import PSEUDO, Run

pytestmark = pytest.mark.usefixtures("store")
SMOKE = ("scale=smoke", "method=ict")  # a method that draws random numbers of its own


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("half", ['{"step": 30, "err', '{"step": 30}', "\ufffd"])
def test_a_row_that_was_half_written_does_not_count(half: str) -> None:
    run = Run({"a": 1})
    assert run.rows() == []
    run.make()
    for step in (10, 20):
        run.append({"step": step, "error": step / 3})
    whole = run.rows()
    with (run / "metrics.jsonl").open("a") as file:
        file.write(half)
    assert run.rows() == whole == [{"step": 10, "error": 10 / 3}, {"step": 20, "error": 20 / 3}]
    run.cut(20)
    run.append({"step": 30, "error": 0.5})
    assert [row["step"] for row in run.rows()] == [10, 20, 30]


def test_cut() -> None:
    run = Run({"a": 1})
    run.make()
    for step in (10, 20, 30):
        run.append({"step": step})
    run.cut(25, rows=2)
    assert [row["step"] for row in run.rows()] == [10, 20]
    with pytest.raises(UserError, match="has 2 of the 3 rows before step 30: restore it, or delete"):
        run.cut(30, rows=3)
    run.cut(-1)
    assert run.rows() == []


@pytest.mark.parametrize("patched", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_file(patched: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(patched, full_disk)
        with pytest.raises(UserError, match=r"cannot write .*/file: No space left on device\. Free space there or set"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_write_is_on_the_disk_before_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "file", []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(path.exists()), fsync(descriptor)))
    write_atomically(path, b"new")
    assert seen[0] is False


def test_pseudo_labels_are_a_table_of_six_columns() -> None:
    run = Run({"a": 1})
    run.make()
    run.write("pseudo.csv.gz", {name: [k, k + 1] for k, name in enumerate(reversed(PSEUDO))})
    content = (run / "pseudo.csv.gz").read_bytes()
    assert content[4:8] == bytes(4)  # no clock in it: the same labels are the same bytes
    assert gzip.decompress(content).decode() == f"{','.join(PSEUDO)}\n5,4,3,2,1,0\n6,5,4,3,2,1\n"
    with pytest.raises(ValueError, match="zip"):
        run.write("pseudo.csv.gz", {name: range(k) for k, name in enumerate(PSEUDO)})


def test_result_is_written_last(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    write = disk.write_atomically
    monkeypatch.setattr(
        runs, "write_atomically", lambda path, content: (written.append(path.name), write(path, content))
    )
    monkeypatch.setattr(model, "write_atomically", runs.write_atomically)
    append = Run.append
    monkeypatch.setattr(Run, "append", lambda run, row: (written.append("metrics.jsonl"), append(run, row)))
    run = execute(compose(SMOKE))
    assert written[-3:] == ["predictions.csv.gz", "model.pth", "result.json"]
    assert {path.name for path in run.folder.iterdir()} == {"env.json", *written} == {
        "config.yaml", "env.json", "metrics.jsonl", "pseudo.csv.gz", "predictions.csv.gz", "model.pth",
        "result.json",
    }  # fmt: skip


def test_asking_twice_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = execute(compose(SMOKE))
    before = {path: path.stat().st_mtime_ns for path in [first.folder, *first.folder.iterdir()]}
    monkeypatch.setattr("benchmarks.data.task.build", None)  # whoever calls it fails
    again = execute(compose(reversed(SMOKE)), report=lambda row: pytest.fail("it ran"))
    assert again.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in [first.folder, *first.folder.iterdir()]} == before
