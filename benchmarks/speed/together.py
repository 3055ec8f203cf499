"""Several runs that share one machine (one GPU, or the CPU's cores):  make bench-together

Steps a second of 1, 2, 4 and 8 processes, as `runs_per_gpu` or the local launcher would have them, over those of one.
Options: method=fixmatch backbone=wrn28_2 seconds=20 and any override. Writes reports/out/together.json.
"""

import multiprocessing
import sys
import time
from typing import Any

import torch

from benchmarks.errors import command
from benchmarks.machine.device import tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import ours
from benchmarks.training.cuda_graphs import CudaGraphs
from benchmarks.training.replay import WARM_UP

PROCESSES = (1, 2, 4, 8)


def steps_in(seconds: float, overrides: str, graph: bool, threads: int, ready: Any) -> float:
    """Steps a second of one process, once all of them are warm."""
    torch.set_num_threads(threads)
    tune()
    step = ours(overrides, recorder=CudaGraphs() if graph else None)
    for _ in range(WARM_UP + 2):
        step()
    ready.wait()
    done, start = 0, clock.clock()
    while time.perf_counter() - start < seconds:
        step()
        done += 1
    return done / (clock.clock() - start)


def shared(n: int, seconds: float, overrides: str, graph: bool = False) -> float:
    """Steps a second of n processes in all."""
    context, cores = multiprocessing.get_context("spawn"), torch.get_num_threads()
    with context.Manager() as manager, context.Pool(n) as pool:
        work = (seconds, overrides, graph, max(1, cores // n), manager.Barrier(n))
        return sum(pool.starmap(steps_in, [work] * n, chunksize=1))


@command
def main(arguments: list[str]) -> int:
    options, rest = parse(arguments, rest=True, seconds=20.0)
    seconds, overrides = options["seconds"], " ".join(rest)
    found: list[dict[str, Any]] = []
    for n in PROCESSES:
        rate = shared(n, seconds, overrides)
        one = found[0]["steps_per_second"] if found else rate
        row: dict[str, Any] = {"processes": n, "steps_per_second": rate, "over_one": rate / one}
        found.append(row | {"overrides": overrides, "device": clock.where()})
        print(f"{n} at a time: {rate:.2f} steps a second, {found[-1]['over_one']:.2f} of one's", flush=True)
    clock.save("together.json", found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
