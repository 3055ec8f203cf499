"""Everything that is said of a GPU, in ten minutes:  make bench-gpu

Steps a second, peak memory and share of the roofline of each step, eager and compiled, in float32 (TF32) and bfloat16;
and the time of one batch's strong views. The roofline is the device's own: its fastest product of matrices and its
fastest copy, measured here. Writes reports/out/bench-gpu.json with device, commit and command. Without a GPU it says
so; any=yes runs it on the CPU all the same, as tests do (with backbone.depth=10 and rounds=1).
"""

import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch

from benchmarks import memory
from benchmarks.bench import clock
from benchmarks.bench.ratios import OUT as BENCH
from benchmarks.bench.steps import ours, strong_views
from benchmarks.build import device
from benchmarks.environment import environment

OUT = BENCH.with_name("bench-gpu.json")
METHODS = ("fixmatch", "flexmatch", "green_meta_t", "meta_t", "meta_semi")
#: steps a second of FixMatch and Meta-T, milliseconds of the views, share of the roofline
TARGETS = {"fixmatch": 200.0, "meta_t": 100.0, "strong_views": 1.0, "roofline": 0.4}


def median(function: Callable[[], object], rounds: int) -> float:
    return statistics.median(clock.seconds({"it": (function, 1)}, rounds)["it"])


def limits(dtype: torch.dtype, size: int, rounds: int) -> tuple[float, float]:
    """(operations, bytes) a second that this device reaches: a product of matrices and a copy."""
    a = torch.randn(size, size, device=device(), dtype=dtype)
    b = torch.empty_like(a)
    return 2 * size**3 / median(lambda: a @ a, rounds), 2 * a.numel() * a.element_size() / median(
        lambda: b.copy_(a), rounds
    )


def main(arguments: list[str]) -> int:
    options = dict(argument.split("=", 1) for argument in arguments)
    anywhere, rounds = options.pop("any", "") == "yes", int(options.pop("rounds", "30"))
    if device().type != "cuda" and not anywhere:
        print("error: no GPU here: nothing was measured", file=sys.stderr)
        return 2
    memory.keep()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    overrides = " ".join(f"{key}={value}" for key, value in options.items())
    found: list[dict[str, Any]] = []
    for precision in ("float32", "bfloat16"):
        size = 8192 if device().type == "cuda" else 512
        flops_limit, bytes_limit = limits(getattr(torch, precision), size, rounds)
        for method in METHODS:
            for compiled in (False, True) if device().type == "cuda" else (False,):
                step = ours(f"method={method} precision={precision} {overrides}", compiled=compiled)
                seconds = median(step, rounds)
                flops, traffic = (0, 0) if compiled else (clock.flops(step), clock.traffic(step))
                row: dict[str, Any] = {"method": method, "precision": precision, "compiled": compiled}
                row |= {"steps_per_second": 1 / seconds, "peak_bytes": clock.peak(step)}
                if flops:
                    bound = max(flops / flops_limit, traffic / bytes_limit)
                    row |= {"flops": flops, "traffic": traffic, "roofline": bound / seconds}
                found.append(row)
                print(
                    " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True
                )
    views = 1000 * median(strong_views(), rounds)
    print(f"strong views of one batch: {views:.3f} ms")
    record = {"targets": TARGETS, "steps": found, "strong_views_ms": views, "rounds": rounds}
    clock.save(OUT, record | environment(clock.where(), torch.get_num_threads()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
