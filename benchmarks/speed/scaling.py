"""How a step's time and memory grow:  make bench-scaling

One axis at a time from 32 labelled + 192 unlabelled images, width 2, 10 classes: the unlabelled batch, the width of the
network, the number of classes (TGN's input, p_bar), and the unlabelled images a method remembers something of. Each
point in a process of its own. Writes reports/out/scaling.json; `python -m reports.speed` draws it. Options: rounds=3
depth=28 (a CPU wants 10).
"""

import multiprocessing
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from benchmarks.assemble import make
from benchmarks.errors import command
from benchmarks.machine.device import device, tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import LABELLED, config, ours, task_of

METHODS = ("fixmatch", "flexmatch", "meta_t")
AXES = {
    "unlabelled batch": (48, 96, 192, 384, 768),
    "width": (2, 4, 8),
    "classes": (10, 100, 1000),
}
REMEMBERED = (50_000, 500_000, 5_000_000)


def point(method: str, axis: str, value: int, depth: int, rounds: int) -> dict[str, Any]:
    tune()
    at = {"unlabelled batch": 192, "width": 2, "classes": 10} | {axis: value}
    task = task_of(LABELLED, at["unlabelled batch"], at["classes"])
    how = f"method={method} backbone.depth={depth} backbone.width={at['width']}"
    step = ours(how, task)
    seconds = clock.seconds({method: (step, 1)}, rounds)[method]
    size = clock.peak(step)
    return {"method": method, "axis": axis, "value": value, "seconds": statistics.median(seconds), "bytes": size}


def remembered(n: int) -> dict[str, Any]:
    """FlexMatch's memory of n unlabelled images, and the seconds that a step of 192 spends on it."""
    task = task_of()
    method = make(config("method=flexmatch").method)
    method.setup(task.facts._replace(n_unlabelled=n), torch.nn.Identity())
    method.to(device())
    p = torch.rand(192, task.n_classes, device=device()).softmax(-1)
    j = torch.randint(n, (192,), device=device())
    seconds = clock.seconds({"observe": (lambda: method.observe(None, p, j), 1)}, 20)["observe"]
    size = sum(buffer.numel() * buffer.element_size() for buffer in method.buffers())
    return {
        "method": "flexmatch",
        "axis": "remembered images",
        "value": n,
        "seconds": statistics.median(seconds),
        "bytes": size,
    }


@command
def main(arguments: list[str]) -> int:
    options, _ = parse(arguments, rounds=3, depth=28)
    depth, rounds = options["depth"], options["rounds"]
    context = multiprocessing.get_context("spawn")
    found = []
    for axis, values in AXES.items():
        for value in values:
            for method in METHODS:
                with ProcessPoolExecutor(1, context) as pool:
                    found.append(pool.submit(point, method, axis, value, depth, rounds).result())
                row = found[-1]
                print(f"{axis} {value}, {method}: {row['seconds']:.3f} s, {row['bytes'] / 1e6:.0f} MB", flush=True)
    for n in REMEMBERED:
        found.append(remembered(n))
        print(f"{n:,} remembered images: {found[-1]['seconds']:.5f} s, {found[-1]['bytes'] / 1e6:.1f} MB", flush=True)
    more = {"device": clock.where(), "depth": depth, "rounds": rounds}
    clock.save("scaling.json", [row | more for row in found])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
