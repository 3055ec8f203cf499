"""Runs on this machine, each in a process of its own: one a core, with one thread each, or some a GPU.

A job of a cluster carries out its runs in the same way on the cores and the GPU that it was given.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.queues import SimpleQueue
from typing import NamedTuple, Protocol, TypeVar

from benchmarks.errors import Stopped, UserError
from benchmarks.machine import signals as stop
from benchmarks.machine.processors import cores, gpus
from benchmarks.store.claim import Claimed


class Work(Protocol):
    """What defines a run: a sweep's cell, or what a job carries of one."""

    @property
    def overrides(self) -> tuple[str, ...]: ...


W = TypeVar("W", bound=Work)


class Outcome(NamedTuple):
    state: str  #: done | failed | stopped (with a checkpoint) | claimed (another process is at it)
    reason: str = ""


def execute(work: Work) -> Outcome:
    """Carry out one run in this process; why it failed stands in its error.txt, with the traceback of a bug."""
    from benchmarks.config import compose, plain  # here, so that the launcher itself never imports torch
    from benchmarks.run import execute as carry_out_run
    from benchmarks.store.run import Run

    try:
        cfg = compose(work.overrides)
    except UserError as error:  # no configuration, so no folder to write to
        return Outcome("failed", str(error))
    try:
        carry_out_run(cfg, stop=stop.asked)
    except Stopped as error:
        return Outcome("stopped", str(error))
    except Claimed as error:
        return Outcome("claimed", str(error))
    except UserError as error:
        return Outcome("failed", str(error))
    except Exception as error:
        file = Run(plain(cfg)) / "error.txt"
        where = f" (traceback in {file})" if file.exists() else ""
        return Outcome("failed", f"{type(error).__name__}: {error}{where}")
    return Outcome("done")


def _watch(launcher: int) -> None:
    """End this process after its launcher is gone: a minute for a run to save, and an idle one need not wait."""
    while os.getppid() == launcher:
        time.sleep(5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
    os._exit(1)


def _settle(threads: int, devices: "SimpleQueue[str]") -> None:
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    stop.listen(signal.SIGINT, *stop.SIGNALS)
    if not devices.empty():
        os.environ["SSL_DEVICE"] = devices.get()
    import torch

    torch.set_num_threads(threads)


def forward(signum: int) -> None:
    """A signal to every run that this process carries out."""
    for child in multiprocessing.active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signum)  # type: ignore[arg-type]


def at_once(workers: int | None, per_gpu: int) -> int:
    """How many runs this machine carries out at a time: per_gpu on every GPU, or else one a core, if None."""
    return workers or len(gpus()) * per_gpu or cores()


def carry_out(works: Sequence[W], workers: int | None = None, per_gpu: int = 1) -> Iterator[tuple[W, Outcome]]:
    """Every run with its outcome, as they finish. A process that dies takes only its own run with it.

    workers: how many at a time (per_gpu on every GPU, or else one a core, if None). After a signal nothing new is
    begun, and whoever closes the iterator early has the runs stopped with a checkpoint.
    """
    devices = gpus() * per_gpu
    workers = max(1, min(at_once(workers, per_gpu), len(works)))
    threads = max(1, cores() // workers)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    context = multiprocessing.get_context("spawn")
    waiting = list(works)
    while waiting and not stop.asked():
        running: dict[Future[Outcome], W] = {}
        broken: list[W] = []
        with stop.held():
            slots: SimpleQueue[str] = context.SimpleQueue()
            pool = ProcessPoolExecutor(workers, context, initializer=_settle, initargs=(threads, slots))
        for device in devices:
            slots.put(device)
        try:
            while (waiting and not broken and not stop.asked()) or running:
                while waiting and not broken and not stop.asked() and len(running) < workers:
                    work = waiting.pop(0)
                    with stop.held():
                        running[pool.submit(execute, work)] = work
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    work = running.pop(future)
                    try:
                        yield work, future.result()
                    except BrokenProcessPool:
                        broken.append(work)
        finally:
            if running:
                forward(signal.SIGTERM)
            pool.shutdown()
        if len(broken) == 1 or workers == 1:
            for work in broken:
                yield work, Outcome("failed", "its process was killed (out of memory?)")
        elif broken:
            waiting = broken + waiting  # one of these killed its process: find out which, one at a time
            workers = 1
