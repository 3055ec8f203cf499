"""Step, rate, loss and time left of one training, for whoever watches: a bar on a terminal, else a line at times."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, SupportsFloat

from tqdm import tqdm

from benchmarks.machine import terminal

BAR, LINE = 2.0, 60.0  #: seconds between two looks on a terminal, and between two lines in a log file


class Progress:
    """Told of every step. Between two reports it looks at the clock alone: to read the loss waits for the device."""

    def __init__(self, steps: int, clock: Callable[[], float] = time.monotonic, watched: bool | None = None) -> None:
        self.steps, self.clock = steps, clock
        self.watched = sys.stderr.isatty() if watched is None else watched
        self.bar: Any = None
        self.began: tuple[float, int] | None = None  #: when, at which step
        self.told = 0.0

    def __call__(self, step: int, loss: SupportsFloat) -> None:
        """A step is done, with this loss."""
        now = self.clock()
        if self.began is None:  # the first step pays for what is set up, and is not counted
            self.began, self.told = (now, step), now
        elif now - self.told >= (BAR if self.watched else LINE):
            self.told = now
            with suppress(OSError, ValueError):  # the terminal is gone
                self.show(step, float(loss))

    def show(self, step: int, loss: float) -> None:
        since, first = self.began or (self.told, step)
        rate = (step - first) / max(self.told - since, 1e-9)
        if not self.watched:
            left = clock((self.steps - step) / rate) if rate else "?"
            share = f"{step / self.steps:.0%}"
            terminal.say(f"step {step:>8,}   {share} done   {rate:.3g} steps/s   loss {loss:.3f}   {left} left")
            return
        if self.bar is None:
            self.bar = tqdm(total=self.steps, initial=first, unit="step", leave=False, dynamic_ncols=True, smoothing=0)
            self.bar.start_t -= self.told - since  # its rate is that since the first step
        self.bar.n = step
        self.bar.set_postfix_str(f"loss {loss:.3f}")

    def say(self, text: str) -> None:
        """A line that does not run into the bar."""
        with suppress(OSError, ValueError):
            if self.bar is not None:
                self.bar.clear()
        terminal.say(text)
        self.told = self.clock()

    def close(self) -> None:
        with suppress(OSError, ValueError):
            if self.bar is not None:
                self.bar.close()


def clock(seconds: float) -> str:
    """'42 s', '7 min' or '3 h 05 min'."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{seconds:.0f} s" if seconds < 100 else f"{minutes} min"
