"""Two clocks of a training: how long it has trained, and when to look after it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds of training alone: evaluations and saves do not count."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.since: float | None = None

    def start(self) -> None:
        self.since = time.perf_counter()

    def stop(self) -> None:
        if self.since is not None:
            self.seconds += time.perf_counter() - self.since
        self.since = None


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
