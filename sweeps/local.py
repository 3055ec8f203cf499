"""Runs on this machine: one process a core, each with one thread, so that nothing is over-subscribed."""

import multiprocessing
import os
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from benchmarks.errors import UserError
from sweeps.sweep import Cell


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute(cell: Cell) -> str | None:
    """Carry out one run in this process: None, or why it failed in one line (the traceback goes to its error.txt)."""
    from benchmarks.config import compose  # here, so that the launcher itself never imports torch
    from benchmarks.run import execute as run

    try:
        run(compose(cell.overrides))
    except UserError as error:
        return str(error)
    except Exception as error:
        file = cell.run / "error.txt"
        try:
            file.write_text(traceback.format_exc())
        except OSError:
            return f"{type(error).__name__}: {error}"
        return f"{type(error).__name__}: {error} (traceback in {file})"
    return None


def _settle(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def carry_out(cells: Sequence[Cell], workers: int | None = None) -> Iterator[tuple[Cell, str | None]]:
    """Every cell with its outcome, as they finish. A process that dies takes only its own run with it."""
    workers = max(1, min(workers or cores(), len(cells)))
    threads = max(1, cores() // workers)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    waiting = list(cells)
    while waiting:
        with ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_settle, initargs=(threads,)
        ) as pool:
            running: dict[Future[str | None], Cell] = {}
            broken: list[Cell] = []
            while (waiting and not broken) or running:
                while waiting and not broken and len(running) < workers:
                    cell = waiting.pop(0)
                    running[pool.submit(execute, cell)] = cell
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    cell = running.pop(future)
                    try:
                        yield cell, future.result()
                    except BrokenProcessPool:
                        broken.append(cell)
        if len(broken) == 1 or workers == 1:
            for cell in broken:
                yield cell, "its process was killed (out of memory?)"
        elif broken:
            waiting = broken + waiting  # one of these killed its process: find out which, one at a time
            workers = 1
