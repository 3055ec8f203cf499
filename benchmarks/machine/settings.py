"""Launch settings: where and how a run is carried out. None of them is part of a run's identity. Imports no torch.

SSL_DATA         folder of the data sets (./data)
SSL_RUNS         folder of all runs (./runs)
SSL_REPORTS      folder that tables, figures, pages and timings are written to (reports/out of the checkout)
SSL_DEVICE       cpu, cuda or cuda:1 (the GPU where there is one)
SSL_CHECKPOINT   seconds between two checkpoints (300; 0: one at every evaluation)
SSL_COMPILE      1: plain passes go through torch.compile; it pays back on a GPU, not on a CPU
SSL_GRAPH        1: training steps are recorded as CUDA graphs and replayed
SSL_MODEL        0: the trained network is not kept in its run, for large sweeps (1: it is)
SSL_TENSORBOARD  1: each run's evaluations are written to its folder tensorboard, too, for `tensorboard --logdir runs`
SSL_STALE        what to do about a run by other code: name (it is said), accept or anew (the old folder is kept)

A variable that is empty counts as not set, and `~` stands for the home folder.
"""

import math
import os
from pathlib import Path

from benchmarks.errors import UserError

STALE = ("name", "accept", "anew")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def data() -> Path:
    return _folder("SSL_DATA", "data")


def runs() -> Path:
    return _folder("SSL_RUNS", "runs")


def reports() -> Path:
    return _folder("SSL_REPORTS", str(Path(__file__).parents[2] / "reports" / "out"))


def device() -> str:
    """What the user asked for; empty where the choice is left to `benchmarks.machine.device`."""
    return _text("SSL_DEVICE")


def checkpoint_seconds() -> float:
    given = _text("SSL_CHECKPOINT", "300")
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise UserError(f"SSL_CHECKPOINT={given} is not possible: it must be a number of seconds, e.g. 300")
    return seconds


def compiled() -> bool:
    return _switch("SSL_COMPILE")


def graphs() -> bool:
    return _switch("SSL_GRAPH")


def models() -> bool:
    return _switch("SSL_MODEL", "1")


def tensorboard() -> bool:
    return _switch("SSL_TENSORBOARD")


def stale() -> str:
    given = _text("SSL_STALE", "name").lower()
    if given not in STALE:
        raise UserError(f"SSL_STALE={given} is not possible: it must be {', '.join(STALE[:-1])} or {STALE[-1]}")
    return given


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def _folder(name: str, default: str) -> Path:
    return Path(_text(name, default)).expanduser()


def _switch(name: str, default: str = "0") -> bool:
    given = _text(name, default).lower()
    if given not in YES + NO:
        raise UserError(f"{name}={given} is not possible: it must be 1 or 0")
    return given in YES
