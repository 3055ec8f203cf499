"""Time, memory and operations of a step."""

import ctypes
import gc
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine.device import device
from benchmarks.machine.settings import reports
from benchmarks.speed.steps import StepFn


def where() -> str:
    on_gpu = device().type == "cuda"
    return torch.cuda.get_device_name() if on_gpu else f"cpu, {torch.get_num_threads()} threads"


def save(name: str, found: Any, quiet: bool = False) -> None:
    """What was measured, as JSON among the reports; says where it is."""
    path = reports() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    if not quiet:
        print(path)


def clock() -> float:
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def seconds(steps: Mapping[str, tuple[StepFn, int]], rounds: int) -> dict[str, list[float]]:
    """Seconds a step, one entry a round, the steps of a round in turn; one round before that warms up."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(-1, rounds):
        for name, (step, repeat) in steps.items():
            start = clock()
            for _ in range(repeat):
                step()
            if index >= 0:
                found[name].append((clock() - start) / repeat)
        if sys.stderr.isatty():
            print(f"round {index + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """The median over rounds of the two steps' times within a round."""
    return round(statistics.median(a / b for a, b in zip(above, below, strict=True)), 3)


def peak(step: StepFn) -> int:
    """Bytes that a step's tensors take at most, beyond what is there before it; the step is taken once to warm up."""
    step()
    gc.collect()
    if device().type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, profile_memory=True, acc_events=True) as profiler:
        step()
    assert profiler.profiler is not None
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


def resident(step: StepFn) -> int:
    """Bytes of the process's memory that a step needs, gaps between blocks and oneDNN's own included; after a step."""
    step()
    gc.collect()
    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    before = _status("VmRSS")
    step()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


class Traffic(TorchDispatchMode):
    """Operators, and bytes that they read and write, each tensor once per operator; views are free."""

    def __init__(self) -> None:
        super().__init__()
        self.operators, self.bytes = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [t for t in tree_leaves((args, kwargs, out)) if isinstance(t, torch.Tensor)]
            self.operators += 1
            self.bytes += sum(t.numel() * t.element_size() for t in tensors)
        return out


def flops(step: StepFn) -> int:
    """Floating-point operations of the convolutions and products of matrices of one step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def traffic(step: StepFn) -> dict[str, int]:
    """How many operators one step runs, and the bytes that they read and write."""
    with Traffic() as counter:
        step()
    return {"operators": counter.operators, "bytes": counter.bytes}


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
