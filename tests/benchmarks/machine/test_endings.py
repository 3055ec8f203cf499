"""A training is not ended by what happens to its terminal, and saves when it is asked to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.machine import signals

ROOT = Path(signals.__file__).parents[2]
LONG = ["scale=smoke", "steps=400000", "protocol.eval_every=100000"]


def start(tmp_path: Path, *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
    env = os.environ | {"SSL_RUNS": str(tmp_path), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.run", *LONG, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, preexec_fn=heard, **streams)  # type: ignore[call-overload]


def heard() -> None:
    """These tests may run under nohup themselves."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_for(tmp_path: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    """Until a file is there; the bound is for a machine that is stuck."""
    end = time.monotonic() + 300
    while not list(tmp_path.glob(pattern)):
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.05)


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
def test_signals_save_first(signum, tmp_path):
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(tmp_path, "*/metrics.jsonl", process)  # the loop is about to begin
    process.send_signal(signum)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"with a checkpoint; the same command goes on" in out
    assert f"{signum.name}: saving after this step".encode() in err
    assert len(list(tmp_path.glob("*/checkpoint.pt"))) == 1


def test_a_hangup_that_is_ignored_stays_ignored():
    code = (
        "import os, signal\nfrom benchmarks.machine import signals\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "signals.listen(*signals.SIGNALS)\nos.kill(os.getpid(), signal.SIGHUP)\nprint(signals.asked())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_checkpoint_is_written_by_the_clock(tmp_path, monkeypatch):
    """SIGKILL long before the first evaluation: what was saved is there."""
    monkeypatch.setenv("SSL_CHECKPOINT", "0.2")
    process = start(tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(tmp_path, "*/checkpoint.pt", process)
    process.kill()
    process.wait()
    (metrics,) = tmp_path.glob("*/metrics.jsonl")
    assert metrics.read_text() == ""


def test_a_closed_pipe_ends_nothing(tmp_path):
    process = start(tmp_path, "steps=6", "protocol.eval_every=2", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()  # as `| head -0` does
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=300) == 0
    assert len(list(tmp_path.glob("*/result.json"))) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_the_output_ends_nothing(tmp_path):
    with open("/dev/full", "wb") as full:
        process = start(tmp_path, "steps=6", "protocol.eval_every=2", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, b"")


def test_a_terminal_that_knows_no_greek(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    code = "from benchmarks.machine import terminal\nterminal.readable()\nterminal.say('τ = 0.5')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"? = 0.5\n"
