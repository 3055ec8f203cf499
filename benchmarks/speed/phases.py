"""Where the time of one method's step goes:  make profile METHOD=meta_t

Data, weak pass, strong pass, look-ahead, meta pass, tangent (influence), update, average: each without what it calls of
the others; the rest is the method's own arithmetic. Options: method=meta_t backbone=wrn28_2 steps=5 and any override.
"""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from benchmarks.assemble import assemble
from benchmarks.data.loader import Loader
from benchmarks.errors import command
from benchmarks.influence import engines
from benchmarks.influence.tape import Tape
from benchmarks.machine.device import tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import config, task_of
from benchmarks.training.student import Student

PHASES = ("data", "weak pass", "strong pass", "look-ahead", "meta pass", "tangent", "update", "average", "rest")


class Phases:
    """A stopwatch a phase; an inner phase stops the outer one's."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.stack: list[str] = []
        self.since = 0.0

    def turn(self) -> None:
        """What has passed since the last turn belongs to the innermost phase."""
        now = clock.clock()
        if self.stack:
            self.seconds[self.stack[-1]] += now - self.since
        self.since = now

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.turn()
        self.stack.append(name)
        try:
            yield
        finally:
            self.turn()
            self.stack.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return function(*args, **kwargs)

        return wrapped

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Where the phases are in the suite's code."""
        places: tuple[tuple[Any, str, str], ...] = (
            (Loader, "next", "data"),
            (Student, "predict", "weak pass"),
            (Student, "teacher", "weak pass"),
            (engines, "look_ahead", "look-ahead"),
            (engines, "meta_gradient", "meta pass"),
            (Tape, "tangent", "tangent"),
            (Student, "descend", "update"),
            (Student, "follow", "average"),
        )
        patches = [
            mock.patch.object(where, what, self.timed(name, getattr(where, what))) for where, what, name in places
        ]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()


def profile(overrides: list[str], steps: int) -> dict[str, list[float]]:
    """phase -> seconds, one entry a step."""
    parts = assemble(config(*overrides), task_of())
    student, loader, net = parts.student(), parts.loader(), parts.net
    found: dict[str, list[float]] = {name: [] for name in PHASES}
    call = type(net).forward
    for index in range(-1, steps):
        phases = Phases()

        def forward(net: Any, x: Any, call: Any = call, phases: Phases = phases) -> Any:
            plain = phases.stack[-1] == "rest"  # not one of the passes that have a name
            with phases.phase("strong pass" if plain else phases.stack[-1]):
                return call(net, x)

        with phases.watching(), mock.patch.object(type(net), "forward", forward), phases.phase("rest"):
            student.take(parts.method, loader.next())
        for name in PHASES if index >= 0 else ():
            found[name].append(phases.seconds[name])
    return found


@command
def main(arguments: list[str]) -> int:
    tune()
    options, overrides = parse(arguments, rest=True, steps=5)
    found = {name: statistics.median(seconds) for name, seconds in profile(overrides, options["steps"]).items()}
    total = sum(found.values())
    print(f"{' '.join(overrides)}: {total:.4f} s a step, {clock.where()}, median of {options['steps']}")
    for name, seconds in found.items():
        print(f"{name:12} {seconds:9.4f} s {seconds / total:6.1%}  {'#' * round(40 * seconds / total)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
