"""A run's directory survives whatever happens, and it never starts over unasked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from outcomes import outcome

from benchmarks.config import compose, plain
from benchmarks.data.files import CACHE
from benchmarks.run import execute
from benchmarks.store import checkpoint
from benchmarks.store.run import Run

pytestmark = pytest.mark.usefixtures("store")
SMOKE = ("scale=smoke", "method=ict")  # a method that draws random numbers of its own


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What SMOKE leaves when nothing happens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path_factory.mktemp("undisturbed")))
        return outcome(execute(compose(SMOKE)))


class Crash(BaseException):
    """Nobody catches it."""


def test_a_crash_at_any_file_is_survived(undisturbed: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before every flush and every renaming that a run makes, one after another."""
    calls = 0

    def crashing(call: Any) -> Any:
        def crash(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == fatal:
                raise Crash
            return call(*arguments)

        return crash

    fatal = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crashing(os.fsync))
        patch.setattr(Path, "replace", crashing(Path.replace))
        run = execute(compose(SMOKE))
        n = calls
        assert n > 15
        for k in range(1, n + 1):
            for path in (*run.folder.iterdir(), run.folder.parent / CACHE):
                path.unlink()
            calls, fatal = 0, k
            with pytest.raises(Crash):
                execute(compose(SMOKE))
            fatal = 0
            finished = run.done
            assert outcome(execute(compose(SMOKE))) == undisturbed
            assert finished or not list(run.folder.glob("*.pt"))


@pytest.mark.slow
def test_kill_9_and_resume(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a method that has a network and an optimizer of its own."""
    overrides = ("scale=smoke", "method=meta_t", "steps=120", "protocol.eval_every=4")
    run = Run(plain(compose(overrides)))
    command = [sys.executable, "-m", "benchmarks.run", *overrides]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while len(run.rows()) < 3 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not run.done
    state = checkpoint.load(run)
    assert state is not None
    assert 0 < state["parts"]["student"]["step"] < 120

    steps: list[int] = []
    resumed = outcome(execute(compose(overrides), report=lambda row: steps.append(row["step"])))
    assert steps == list(range(state["parts"]["student"]["step"] + 4, 121, 4))  # it did not start over
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "in one go"))
    assert resumed == outcome(execute(compose(overrides)))
    assert [row["step"] for row in resumed[0]] == list(range(4, 121, 4))
