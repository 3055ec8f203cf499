"""Sweeps on a real SLURM of one node: the short form. `python -m tests.slurm.long` is the long one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps import asked, cancel, examine, launch, slurm, status, submission
from sweeps.sweep import Cell, Sweep
from tests.outcomes import outcome
from tests.slurm.harness import cluster, in_peace, lacking, own_data, preempt, said, squeue, until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
SMALL = ("scale=smoke", "launcher=slurm", "memory_gb=0.5", "hours=1")


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A cluster; with accounting unless the test says otherwise."""
    if lacking():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking())
    with cluster(cpus=2, gpus=2, accounting=getattr(request, "param", True)) as folder:
        yield folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run store on a path with spaces; runs that take seconds without taking the processor."""
    folder = tmp_path / "a store with spaces"
    monkeypatch.setenv("SSL_RUNS", str(folder))
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    monkeypatch.setenv("SSL_SLOW", "0.1")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    return folder


SLOW, BROKEN = (f"method=fixmatch method._target_=tests.slurm.slow.{name}" for name in ("Slow", "Broken"))


def declare(monkeypatch: pytest.MonkeyPatch, folder: Path, steps: int, **rows: str) -> list[Cell]:
    columns = {"own": f"{own_data(folder / 'data')} steps={steps} protocol.eval_every=5"}
    sweep = Sweep(caption="", rows=rows or {"Slow": SLOW}, columns=columns, demo=columns, seeds=1)
    monkeypatch.setattr(asked, "load", lambda name: sweep)
    return list(sweep.cells("smoke"))


def begun(cell: Cell) -> bool:
    return len(cell.run.rows()) > 0


def same(cell: Cell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Is it what an uninterrupted run gives?"""
    monkeypatch.setenv("SSL_SLOW", "0")
    return outcome(cell.run) == in_peace(cell.overrides, folder / "peace")


def test_a_preempted_sweep_and_a_bug(node, store, monkeypatch, tmp_path, capsys):
    """Two runs share a task and its device; the preempted task goes on; a bug is told with its traceback."""
    cells = declare(monkeypatch, tmp_path, 120, Slow=SLOW, Other=f"{SLOW} method.tau=0.5", Broken=BROKEN)
    good = cells[:2]
    assert launch.main(["a/b", *SMALL, "runs_per_gpu=2", "gpus=1", "cpus=2"]) == 0
    assert "3 runs in 2 tasks" in capsys.readouterr().out
    assert launch.main(["a/b", *SMALL]) == 0
    assert "3 in the queue, 0 to go" in capsys.readouterr().out  # ask twice, run once
    until("both runs of the first task", lambda: all(begun(cell) for cell in good))
    assert {report.state for report in examine.examine(good)} == {"running"}
    preempt(2)
    until("the end", lambda: not squeue())

    assert said("this job is preempted") == 1
    for cell in good:
        assert same(cell, tmp_path, monkeypatch)
        assert said(f"{cell.run.id} .*: done") == 1
    assert status.main(["a/b", "scale=smoke"]) == 0
    out = capsys.readouterr().out
    assert "failed: Broken, own, seed 0" in out
    assert "TypeError" in out and "a bug in a method" in out


def test_the_signal_before_the_time_limit_and_sudden_death(node, store, monkeypatch, tmp_path):
    """SIGUSR2 requeues; SIGKILL of a whole task, as with a dead node, loses what came after the last checkpoint."""
    monkeypatch.setenv("SSL_CHECKPOINT", "0")
    (cell,) = declare(monkeypatch, tmp_path, 120)
    launch.main(["a/b", *SMALL, "gpus=0", "cpus=1"])
    until("the run to begin", lambda: begun(cell))
    task = slurm.tasks([cell.run.id])[cell.run.id].id
    subprocess.run(["scancel", "--signal=USR2", task], check=True)
    until("the requeue", lambda: said("Requeued job"))
    rows = len(cell.run.rows())
    until("progress", lambda: len(cell.run.rows()) > rows)
    subprocess.run(["scancel", "--signal=KILL", task], check=True)
    until("an empty queue", lambda: not squeue())
    assert not cell.run.done
    monkeypatch.setenv("SSL_SLOW", "0")
    assert launch.main(["a/b", *SMALL]) == 0
    until("an empty queue", lambda: not squeue())
    assert same(cell, tmp_path, monkeypatch)


def test_two_people_at_once(node, store, monkeypatch, tmp_path):
    """A run twice in the queue, as after two launches in one moment: it is carried out once."""
    (cell,) = declare(monkeypatch, tmp_path, 20)
    for _ in range(2):
        submission.submit([cell], asked.order(["a/b", *SMALL, "gpus=0", "cpus=1"]))
    until("an empty queue", lambda: not squeue())
    assert [row["step"] for row in cell.run.rows()] == [5, 10, 15, 20] and cell.run.done


@pytest.mark.parametrize("node", [False], indirect=True, ids=["no accounting"])
def test_cancelled_is_said_and_resumable(node, store, monkeypatch, tmp_path, capsys):
    (cell,) = declare(monkeypatch, tmp_path, 100)
    assert launch.main(["a/b", *SMALL, "gpus=0", "cpus=1"]) == 0
    until("the run to begin", lambda: begun(cell))
    assert cancel.main(["a/b", "scale=smoke"]) == 0
    until("an empty queue", lambda: not squeue())
    (report,) = examine.examine([cell])
    assert report.state == "missing" and "cancelled" in report.detail and "launch again" in report.detail
    assert (cell.run / "checkpoint.pt").exists(), "SIGTERM saves"
    monkeypatch.setenv("SSL_SLOW", "0")
    assert launch.main(["a/b", *SMALL]) == 0
    until("an empty queue", lambda: not squeue())
    assert same(cell, tmp_path, monkeypatch)
