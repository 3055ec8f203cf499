"""The cores and GPUs that this process may use. Imports no torch."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.machine import settings

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cores() -> int:
    """At least 1: the processors it is bound to, or fewer where a job or a container was given fewer.

    A SLURM job counts what it was given, also where nothing enforces it.
    """
    given = os.environ.get("SLURM_CPUS_PER_TASK")
    if given:
        return int(given)
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *(int(share) for share in _quotas())]))


def gpus() -> list[str]:
    """The devices that runs may use, as torch names them, without importing torch; $SSL_DEVICE overrules."""
    if settings.device():
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        n = len(list(Path("/proc/driver/nvidia/gpus").iterdir()))
    except OSError:
        n = 0
    if visible is not None:
        n = min(n, len([d for d in visible.split(",") if d.strip() not in ("", "-1")]))
    return [f"cuda:{k}" for k in range(n)]


def _quotas() -> Iterator[float]:
    """Processor time per time that the control groups (v2 or v1) above this process allow it; none without a limit."""
    with suppress(OSError):
        for line in OWN.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "cpu" not in kinds.split(","):
                continue
            top = CGROUPS / "cpu" if kinds else CGROUPS
            own = top / path.lstrip("/")
            for folder in (own, *(parent for parent in own.parents if parent.is_relative_to(top))):
                with suppress(OSError, ValueError):
                    if kinds:
                        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
                    else:
                        quota, period = (folder / "cpu.max").read_text().split()
                    if float(quota) > 0:  # "max" is no number, v1 has -1
                        yield float(quota) / float(period)
