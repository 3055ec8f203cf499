"""Sweeps on a real SLURM of one node: the short form. `python -m tests.slurm.long` is the long one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps import cancel, examine, launch, slurm, status
from sweeps.sweep import Cell, Sweep
from tests.slurm.harness import cluster, content, in_peace, lacking, preempt, said, squeue, until

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
    folder = tmp_path / "a store with spaces"
    monkeypatch.setenv("SSL_RUNS", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    return folder


def declare(monkeypatch: pytest.MonkeyPatch, steps: int, seeds: int, **rows: str) -> list[Cell]:
    columns = {"digits": f"task=digits backbone=tiny steps={steps} protocol.eval_every=5"}
    sweep = Sweep(caption="", rows=rows, columns=columns, demo=columns, seeds=seeds)
    monkeypatch.setattr(Sweep, "seeds_at", lambda self, scale: self.seeds)
    monkeypatch.setattr(launch, "load", lambda name: sweep)
    return list(sweep.cells("smoke"))


def begun(cell: Cell) -> bool:
    return len(cell.run.rows()) > 0


def test_a_preempted_sweep_and_a_bug(node, store, monkeypatch, tmp_path, capsys):
    """Two runs share a task and its device; the preempted task goes on; a bug is told with its traceback."""
    rows = {"FixMatch": "method=fixmatch", "Broken": "method=fixmatch method._target_=tests.slurm.slow.Broken"}
    cells = declare(monkeypatch, 120, 2, **rows)
    assert launch.main(["a/b", *SMALL, "runs_per_gpu=2", "gpus=1", "cpus=2"]) == 0
    assert "4 runs in 2 tasks" in capsys.readouterr().out
    assert launch.main(["a/b", *SMALL]) == 0
    assert "4 in the queue, 0 to go" in capsys.readouterr().out  # ask twice, run once
    good = [cell for cell in cells if cell.row == "FixMatch"]
    until("both runs of the first task", lambda: all(begun(cell) for cell in good))
    assert {report.state for report in examine.examine(good)} == {"running"}
    preempt(2)
    until("the end", lambda: not squeue())

    assert said("this job is preempted") == 1
    for cell in good:
        assert content(cell.run) == in_peace(cell.overrides, tmp_path / "peace")
        assert said(f"{cell.run.id} .*: done") == 1
    assert status.main(["a/b", "scale=smoke"]) == 0
    out = capsys.readouterr().out
    assert "failed: Broken, digits, seed 0" in out
    assert "TypeError" in out and "a bug in a method" in out


def test_the_signal_before_the_time_limit_and_sudden_death(node, store, monkeypatch, tmp_path):
    """SIGUSR2 requeues; SIGKILL of a whole task, as with a dead node, loses what came after the last checkpoint."""
    monkeypatch.setenv("SSL_CHECKPOINT", "0")
    (cell,) = declare(monkeypatch, 120, 1, FixMatch="method=fixmatch")
    launch.main(["a/b", *SMALL, "gpus=0", "cpus=1"])
    until("the run to begin", lambda: begun(cell))
    task = slurm.tasks([cell.run.id])[cell.run.id].id
    subprocess.run(["scancel", "--signal=USR2", task], check=True)
    until("the requeue", lambda: said("Requeued job"))
    rows = len(cell.run.rows())
    until("progress", lambda: len(cell.run.rows()) > rows or cell.run.done)
    subprocess.run(["scancel", "--signal=KILL", task], check=True)
    until("an empty queue", lambda: not squeue())
    if not cell.run.done:
        assert launch.main(["a/b", *SMALL]) == 0
    until("the run's end", lambda: cell.run.done)
    assert content(cell.run) == in_peace(cell.overrides, tmp_path / "peace")
    until("an empty queue", lambda: not squeue())


def test_two_people_at_once(node, store, monkeypatch):
    """The same runs twice in the queue, as after two launches in one moment: each is carried out once."""
    cells = declare(monkeypatch, 20, 2, FixMatch="method=fixmatch")
    for _ in range(2):
        launch.submit("a/b", cells, {"scale": "smoke", "memory_gb": "0.5", "gpus": "0", "cpus": "1"}, dry=False)
    until("an empty queue", lambda: not squeue())
    assert all(cell.run.done for cell in cells)
    for cell in cells:
        steps = [row["step"] for row in cell.run.rows()]
        assert steps == sorted(set(steps))


@pytest.mark.parametrize("node", [False], indirect=True, ids=["no accounting"])
def test_cancelled_is_said_and_resumable(node, store, monkeypatch, tmp_path, capsys):
    (cell,) = declare(monkeypatch, 100, 1, FixMatch="method=fixmatch")
    assert launch.main(["a/b", *SMALL, "gpus=0", "cpus=1"]) == 0
    until("the run to begin", lambda: begun(cell))
    assert cancel.main(["a/b", "scale=smoke"]) == 0
    until("an empty queue", lambda: not squeue())
    (report,) = examine.examine([cell])
    assert report.state == "missing" and "cancelled" in report.detail and "launch again" in report.detail
    assert (cell.run / "checkpoint.pt").exists(), "SIGTERM saves"
    assert launch.main(["a/b", *SMALL]) == 0
    until("the run's end", lambda: cell.run.done)
    assert content(cell.run) == in_peace(cell.overrides, tmp_path / "peace")
    until("an empty queue", lambda: not squeue())
