"""Before a launch: data, disk and time."""

from pathlib import Path

import pytest

from benchmarks.config import resolve
from benchmarks.store.run import Run
from sweeps import before, launch
from sweeps.sweep import Cell


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))


def cell(*overrides: str) -> Cell:
    return Cell("row", "column", 0, overrides, resolve(overrides))


def timed(step: int, seconds: float, device: str, *overrides: str) -> Run:
    """A run of the store that took so many seconds to this step."""
    run = Run(resolve(overrides))
    run.open({"device": device})
    run.append({"step": step, "seconds": seconds})
    return run


def test_data_that_is_not_there_is_named_with_its_remedy(tmp_path: Path) -> None:
    cells = [cell("task=digits"), cell("task=cifar10"), cell("task=npz", "task.name=mine")]
    first, second = before.faults(cells, 0)
    assert "cifar10 is not in" in first and 'make data DATASETS="cifar10"' in first
    assert "mine is not in" in second and "mine.npz" in second
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.npz").touch()
    assert len(before.faults(cells, 0)) == 1


def test_a_full_disk_is_said_before_and_not_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before, "_free", lambda folder: 1.5)
    assert before.faults([cell()], 1.4) == []
    (fault,) = before.faults([cell()], 3)
    assert "has 1.5 GB left, and the runs under way may take 3.0 GB" in fault


def test_a_launch_stops_at_a_fault_and_a_dry_run_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["method=fixmatch", "task=cifar10", "seed=0"]
    assert launch.main([*words, "launcher=debug"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and 'make data DATASETS="cifar10"' in err
    assert launch.main([*words, "--dry-run"]) == 0
    assert "not yet: the data set cifar10" in capsys.readouterr().out


def test_time_is_that_of_the_steps_measured() -> None:
    timed(100, 50.0, "cpu", "method=fixmatch", "seed=1")  # 0.5 s a step
    timed(200, 300.0, "cpu", "method=fixmatch", "seed=2")  # 1.5 s
    timed(100, 7.0, "cuda:0", "method=fixmatch", "seed=3")
    (timed(100, 1.0, "cpu", "method=dash", "seed=1") / "config.yaml").write_text("{")
    pace = before.measured(gpu=False)
    assert list(pace.values()) == [1.0]
    assert before.measured(gpu=True) == {before.kind(resolve(["method=fixmatch"])): 0.07}
    new, begun, other = cell("method=fixmatch"), cell("method=fixmatch", "seed=2"), cell("method=dash")
    assert before.estimate([new], pace) == before.Estimate(400 / 3600, 1, 1)
    assert before.estimate([begun], pace).hours == 200 / 3600, "of a run under way what is left"
    assert before.estimate([new, begun, other], pace) == before.Estimate(1000 / 3600, 2, 3), "dash as fixmatch"
    assert "about 17 min" in str(before.estimate([new, begun, other], pace))
    wide = cell("method=fixmatch", "backbone=wrn28_2")
    assert before.estimate([wide], pace) == before.Estimate(0, 0, 1)
    assert "no step of such runs has been timed yet" in str(before.estimate([wide], pace))


def test_a_dry_run_says_what_matters_first(capsys: pytest.CaptureFixture[str]) -> None:
    timed(100, 36.0, "cuda:0", "scale=smoke", "method=fixmatch", "seed=7")
    assert launch.main(["method=fixmatch", "seed=0..4", "scale=smoke", "steps=10000", "--dry-run", "gpus=2"]) == 0
    head, array, total, *commands = capsys.readouterr().out.splitlines()
    assert head.endswith("0 of 5 runs done, 5 to go")
    assert array.startswith("tiny: 5 runs in 5 tasks")
    assert total == "in total 5 runs, about 5 h 00 min of training by the steps timed so far, 10.0 GPU-hours"
    assert len(commands) == 5 and all(line.startswith("python -m benchmarks.run ") for line in commands)
