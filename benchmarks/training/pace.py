"""Two clocks of a training: how long it has trained, and when to look after it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Seconds of training alone, on the wall and of this process's processors: evaluations and saves do not count."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.since: tuple[float, float] | None = None

    def start(self) -> None:
        self.since = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        if self.since is not None:
            self.wall += time.perf_counter() - self.since[0]
            self.cpu += time.process_time() - self.since[1]
        self.since = None

    def read(self) -> dict[str, float]:
        """For a log; the machine's load beside it tells why a wall clock may run away from the processors'."""
        return {
            "seconds": round(self.wall, 4),
            "cpu_seconds": round(self.cpu, 4),
            "load": round(os.getloadavg()[0], 2),
        }

    def state_dict(self) -> dict[str, Any]:
        return {"wall": self.wall, "cpu": self.cpu}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.wall, self.cpu = state["wall"], state["cpu"]


class Pace:
    """When a checkpoint is due, by the clock, at any step.

    Every `seconds`, or more seldom where saving would take over 2 % of the time. Zero: never by the clock alone, and at
    every evaluation.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.pause = seconds
        self.saved = time.monotonic()

    def due(self, evaluated: bool) -> bool:
        if not self.seconds:
            return evaluated
        return time.monotonic() - self.saved > self.pause

    @contextmanager
    def saving(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.saved = time.monotonic()
        self.pause = max(self.seconds, 50 * (self.saved - began))
