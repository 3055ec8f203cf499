"""What is said of a training under way, by a clock of the test's own."""

from itertools import count

import pytest
import torch

from benchmarks.machine import progress
from benchmarks.machine.progress import Progress, clock


def told(watched: bool, seconds: float, steps: int = 400) -> Progress:
    """A training of so many steps, each of which takes `seconds`, told of to the end."""
    ticks = count()
    watcher = Progress(steps, clock=lambda: seconds * next(ticks), watched=watched)
    for step in range(1, steps + 1):
        watcher(step, torch.tensor(0.5))
    return watcher


def test_a_log_gets_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    told(False, seconds=1.0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 399 // 60
    assert " ".join(lines[0].split()) == "step 61 15% done 1 steps/s loss 0.500 6 min left"
    assert lines[-1].endswith("loss 0.500   39 s left")


def test_an_evaluation_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter((0.0, 59.0, 61.0, 119.5))
    watcher = Progress(100, clock=lambda: next(now), watched=False)
    watcher(1, 1.0)
    watcher.say("step 1 error 5 %")
    watcher(2, 1.0)
    watcher(3, 1.0)
    assert capsys.readouterr().out.splitlines()[:1] == ["step 1 error 5 %"]


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = told(True, seconds=1.0)
    assert watcher.bar.format_dict["elapsed"] >= 2, "reckoned from the first step, not from when it is first seen"
    watcher.say("step 400 error 5 %")
    watcher.close()
    out, err = capsys.readouterr()
    assert out == "step 400 error 5 %\n"
    assert watcher.bar.n == 399, "the bar moves every other second"
    assert "loss 0.500" in err and "/400" in err


def test_the_loss_is_read_only_to_be_said() -> None:
    """Reading waits for the device."""

    class Loss:
        read = 0

        def __float__(self) -> float:
            Loss.read += 1
            return 1.0

    ticks = count()
    watcher = Progress(1000, clock=lambda: 0.1 * next(ticks), watched=False)
    for step in range(1000):
        watcher(step, Loss())
    assert Loss.read == 1


def test_a_terminal_that_is_gone_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(progress, "tqdm", gone)
    told(True, seconds=3.0).close()


def test_times_in_words() -> None:
    assert [clock(s) for s in (0, 42, 420, 3 * 3600 + 300)] == ["0 s", "42 s", "7 min", "3 h 05 min"]
