"""What a step of every method costs over FixMatch's, in time, operations and memory:  make bench-methods

On random pixels in CIFAR-10's shape, each method's steps in turn with FixMatch's. Prints a table and writes
reports/out/bench-methods.json, a list of {"method", "time", "flops", "memory": each over FixMatch's, "seconds": the
step's, "device", ...}. Time is the median over rounds of two steps' times within a round, flops are the operations of
convolutions and products, memory is what the step's tensors take at most. Options: rounds=3 labelled=32 ratio=6
only=meta_t,mixmatch, and those of a run, e.g. backbone.depth=10. Green Meta-T is timed over two steps, of which one
learns thresholds.
"""

import statistics
import sys
from typing import Any

from benchmarks.config import options
from benchmarks.errors import UserError, command
from benchmarks.machine.device import tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import OURS, StepFn, ours, task_of

BASE = "fixmatch"


def measured(names: list[str], rest: list[str], rounds: int, labelled: int, ratio: int) -> list[dict[str, Any]]:
    """A row per method, the cheapest first."""
    task = task_of(labelled, labelled * ratio)

    def step_of(name: str) -> StepFn:
        return ours(" ".join((f"method={name}", *rest)), task)

    base = step_of(BASE)
    operations, memory = clock.flops(base), clock.peak(base)
    found = []
    for name in names:
        step = step_of(name)
        seconds = clock.seconds({BASE: (base, 1), f"its {name}": (step, OURS.get(name, ("", 1))[1])}, rounds)
        own, over = seconds[f"its {name}"], seconds[BASE]
        row: dict[str, Any] = {"method": name, "time": clock.ratio(own, over), "seconds": statistics.median(own)}
        found.append(row | {"flops": round(clock.flops(step) / operations, 3)})
        found[-1]["memory"] = round(clock.peak(step) / memory, 3)
    return sorted(found, key=lambda row: row["time"])


@command
def main(arguments: list[str]) -> int:
    asked, rest = parse(arguments, rest=True, rounds=3, labelled=32, ratio=6, only="")
    tune()
    every = options("method")
    wanted = list(filter(None, asked["only"].split(","))) or every
    for name in set(wanted) - set(every):
        raise UserError(f"only={name}: there is no such method; there are {', '.join(every)}")
    names = list(dict.fromkeys((BASE, *wanted)))
    found = measured(names, rest, asked["rounds"], asked["labelled"], asked["ratio"])
    print(f"{clock.where()}\n{'method':32} {'time':>6} {'flops':>6} {'memory':>7}   seconds, over {BASE}'s")
    for row in found:
        print(f"{row['method']:32} {row['time']:6.2f} {row['flops']:6.2f} {row['memory']:7.2f}   {row['seconds']:.4f}")
    more = {"device": clock.where(), "options": rest, **{k: v for k, v in asked.items() if k != "only"}}
    clock.save("bench-methods.json", [row | more for row in found])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
