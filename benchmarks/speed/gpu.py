"""Everything that is said of a GPU, in ten minutes:  make bench-gpu

Steps a second, peak memory and share of the roofline of each step: eager, as a CUDA graph, compiled, and both; in
float32 (TF32) and bfloat16; of 1, 2, 4 and 8 processes together; and the time of one batch's strong views. The roofline
is the device's own: its fastest product of matrices and its fastest copy, measured here. Writes
reports/out/bench-gpu.json with device, commit and command after each step; what does not fit into minutes=9 is listed
there. Options: rounds=30 how=eager,graph and any override. Without a GPU it says so; any=yes runs it on the CPU all the
same, as tests do.
"""

import statistics
import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import torch

from benchmarks.errors import UserError, command
from benchmarks.machine.device import device, tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import ours, strong_views
from benchmarks.speed.together import PROCESSES, shared
from benchmarks.store.environment import environment
from benchmarks.training.cuda_graphs import CudaGraphs
from benchmarks.training.replay import WARM_UP

HOWS = ("eager", "graph", "eager together", "graph together", "compiled", "compiled graph")
PRECISIONS = ("float32", "bfloat16")
METHODS = ("fixmatch", "flexmatch", "green_meta_t", "meta_t", "meta_semi")
COMPILED = ("fixmatch", "meta_t")  #: compiling takes a minute each
SECONDS = 5.0  #: of each number of processes together
#: steps a second of FixMatch and Meta-T, milliseconds of the views, share of the roofline
TARGETS = {"fixmatch": 200.0, "meta_t": 100.0, "strong_views": 1.0, "roofline": 0.4}


def median(function: Callable[[], object], rounds: int) -> float:
    """Seconds; of a pair, for of two steps of Green Meta-T one learns thresholds."""
    return statistics.median(clock.seconds({"it": (function, 2)}, rounds)["it"])


def limits(dtype: torch.dtype, size: int, rounds: int) -> tuple[float, float]:
    """(operations, bytes) a second that this device reaches: a product of matrices and a copy."""
    a = torch.randn(size, size, device=device(), dtype=dtype)
    b = torch.empty_like(a)
    return 2 * size**3 / median(lambda: a @ a, rounds), 2 * a.numel() * a.element_size() / median(
        lambda: b.copy_(a), rounds
    )


def wanted(how: str, precision: str, method: str) -> bool:
    if "together" in how:
        return (precision, method) == ("float32", "fixmatch")
    return "compiled" not in how or method in COMPILED


def measure(how: str, method: str, precision: str, overrides: str, rounds: int) -> dict[str, Any]:
    """Steps a second; eager ones also their operators, operations, bytes and peak memory. `error` where it cannot."""
    row: dict[str, Any] = {"how": how, "method": method, "precision": precision}
    overrides = f"method={method} precision={precision} {overrides}"
    try:
        if "together" in how:
            return row | {"processes": {n: shared(n, SECONDS, overrides, "graph" in how) for n in PROCESSES}}
        step = ours(overrides, None, "compiled" in how, CudaGraphs() if "graph" in how else None)
        for _ in range(2 * (WARM_UP + 1)):  # Green Meta-T records two phases
            step()
        row["steps_per_second"] = 1 / median(step, rounds)
    except (UserError, RuntimeError) as error:
        return row | {"error": str(error)}
    if how == "eager":
        row |= {"flops": clock.flops(step), "peak_bytes": clock.peak(step)} | clock.traffic(step)
    return row


@command
def main(arguments: list[str]) -> int:
    began = time.monotonic()
    options, overrides = parse(arguments, rest=True, rounds=30, minutes=9.0, how=",".join(HOWS), any="no")
    rounds, minutes, hows = options["rounds"], options["minutes"], options["how"].split(",")
    if device().type != "cuda" and options["any"] != "yes":
        raise UserError("no GPU here: nothing was measured")
    tune()
    size = 8192 if device().type == "cuda" else 512
    roof = {precision: limits(getattr(torch, precision), size, rounds) for precision in PRECISIONS}
    views = 1000 * median(strong_views(), rounds)
    print(f"strong views of one batch: {views:.3f} ms")
    record: dict[str, Any] = {
        "targets": TARGETS,
        "strong_views_ms": views,
        "rounds": rounds,
        "steps": [],
        "left_out": [],
    }
    record |= environment(clock.where(), torch.get_num_threads(), {})
    least: dict[tuple[str, str], float] = {}  # seconds that the roofline allows
    for how, precision, method in product(hows, PRECISIONS, METHODS):
        if not wanted(how, precision, method):
            continue
        if time.monotonic() - began > 60 * minutes:
            record["left_out"].append([how, precision, method])
            continue
        row = measure(how, method, precision, " ".join(overrides), rounds)
        if "flops" in row:
            flops, traffic = roof[precision]
            least[method, precision] = max(row["flops"] / flops, row["bytes"] / traffic)
        if "steps_per_second" in row and (method, precision) in least:
            row["roofline"] = least[method, precision] * row["steps_per_second"]
        record["steps"].append(row)
        print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
        clock.save("bench-gpu.json", record, quiet=True)
    clock.save("bench-gpu.json", record)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
