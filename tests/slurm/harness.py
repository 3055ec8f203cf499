"""A throw-away SLURM for tests, and what tests do with it."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine.settings import runs
from tests.outcomes import outcome

SCRIPT = Path(__file__).parent / "local-slurm.sh"
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch")
PRIVATE = ("SLURM_", "SBATCH_", "SRUN_")


def lacking() -> str:
    """Why no SLURM can be started here; empty where one can."""
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        return f"no local SLURM: {', '.join(missing)} not found"
    return "no local SLURM: only root can start one" if os.geteuid() else ""


@contextmanager
def cluster(cpus: int, accounting: bool = True, gpus: int = 0) -> Iterator[Path]:
    """A SLURM of one node whose jobs start from here; the environment points to it."""
    folder = tempfile.mkdtemp(prefix="ls.", dir="/tmp")  # short: Unix sockets
    before = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith(PRIVATE)}
    knobs = {"LS_CPUS": str(cpus), "LS_GPUS": str(gpus), "LS_ACCT": str(int(accounting)), "LS_OWNER": str(os.getpid())}
    try:
        subprocess.run([SCRIPT, "up", folder], check=True, timeout=120, env={**os.environ, **knobs})
        os.environ["SLURM_CONF"] = f"{folder}/slurm.conf"
        yield Path(folder)
    finally:
        subprocess.run([SCRIPT, "down", folder], timeout=120)
        os.environ.pop("SLURM_CONF", None)
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def own_data(folder: Path) -> str:
    """$SSL_DATA with a small data set in it, and the overrides that ask for it: a job need not import scikit-learn."""
    folder.mkdir()
    x = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), dtype=np.uint8)
    y = np.arange(400) % 10
    np.savez(folder / "own.npz", x_train=x, y_train=y, x_test=x[:100], y_test=y[:100])
    os.environ["SSL_DATA"] = str(folder)
    return "task=digits task.name=own backbone=tiny"


def until(what: str, holds: Callable[[], object], limit: float = 600) -> None:
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"waited {limit} s for {what}\n{evidence()}"
        time.sleep(0.2)


def evidence() -> str:
    """The queue and the ends of all logs."""
    logs = [f"--- {log}\n{log.read_text()[-1500:]}" for log in sorted(runs().glob(".jobs/*/*.err"))]
    return "\n".join([squeue(), *logs])


def squeue(*more: str) -> str:
    return subprocess.run(["squeue", "-h", "-r", *more], capture_output=True, text=True).stdout


def preempt(cpus: int) -> None:
    """A job of a higher partition takes so many cores away, for a moment."""
    subprocess.run(["sbatch", "-Q", "--wait", "-p", "high", "-c", str(cpus), "-o", "/dev/null", "--wrap", "sleep 1"])


def said(pattern: str) -> int:
    """How often the jobs' logs say so."""
    return sum(len(re.findall(pattern, log.read_text())) for log in runs().glob(".jobs/*/*_log.out"))


def in_peace(overrides: Sequence[str], store: Path) -> tuple[Any, ...]:
    """The outcome of an uninterrupted run in this process."""
    from benchmarks.config import compose
    from benchmarks.run import execute

    before = os.environ["SSL_RUNS"]
    os.environ["SSL_RUNS"] = str(store)
    try:
        return outcome(execute(compose(overrides)))
    finally:
        os.environ["SSL_RUNS"] = before
