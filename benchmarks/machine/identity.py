"""Who a process is, and whether it still lives. Imports no torch."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def identity() -> dict[str, Any]:
    """Who this process is: `machine` tells processes apart that may have one pid, `began` those that had it in turn."""
    return {
        "host": os.uname().nodename,
        "machine": _machine(),
        "pid": os.getpid(),
        "began": began(os.getpid()),
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "since": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _machine() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        return os.uname().nodename


def began(pid: int) -> str:
    """When a process started; empty where it is gone or a zombie, "?" where /proc does not say."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    except OSError:
        with suppress(OSError):
            os.kill(pid, 0)
            return "?"
        return ""
