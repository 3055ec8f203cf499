"""What is known of a run: its directory says it first, SLURM where that says nothing (accounting is not needed)."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import provenance
from benchmarks.machine.progress import clock
from benchmarks.store import claim
from sweeps import slurm
from sweeps.sweep import Cell

TAIL = 6  #: lines of a log


class Report(NamedTuple):
    """What is known of one run."""

    cell: Cell
    state: str
    detail: str = ""
    tail: tuple[str, ...] = ()


def examine(cells: Sequence[Cell]) -> list[Report]:
    """Every run's state: from its directory first, from the queue where that says nothing."""
    tasks = slurm.tasks(cell.run.id for cell in cells if not cell.run.done)
    return [_examine(cell, tasks.get(cell.run.id)) for cell in cells]


def _examine(cell: Cell, task: slurm.Task | None) -> Report:
    run = cell.run
    if run.done:
        why = provenance.stale(run)
        return Report(cell, "stale", why) if why else Report(cell, "done")
    queued = task is not None and slurm.active(task)
    if _under_way(run.folder):
        return Report(cell, "running", _progress(cell))
    if task and queued:
        return Report(cell, "queued", f"task {task.id}, {task.state.lower()}{_saved(cell)}")
    with suppress(OSError):
        text = (run / "error.txt").read_text().rstrip().splitlines()
        return Report(cell, "failed", text[-1], tuple(text[-TAIL:-1]))
    if task:
        state = task.state.split()[0].lower() if task.state else "ended without a result (cancelled or killed)"
        if state not in ("completed", "cancelled") and not (run / "config.yaml").exists():
            return Report(cell, "failed", f"task {task.id}: {state}, before the run began", _tail(task.log))
        tail = () if state in ("completed", "cancelled") else _tail(task.log)
        return Report(cell, "missing", f"task {task.id}: {state}{_saved(cell)}; launch again to go on", tail)
    return Report(cell, "missing", f"interrupted{_saved(cell)}; launch again to go on" if run.rows() else "")


def _under_way(folder: Path) -> bool:
    """Is there a claim whose owner lives, as far as one look can tell?"""
    with suppress(FileNotFoundError):
        last = claim.newest(folder)
        if last is None:
            return False
        living = claim.alive(claim.owner(last), last)
        return time.time() - last.stat().st_mtime < claim.PATIENCE if living is None else living
    return False


def _progress(cell: Cell) -> str:
    rows, steps = cell.run.rows(), cell.config["steps"]
    if not rows:
        return "no evaluation yet"
    step, seconds = rows[-1]["step"], rows[-1]["seconds"]
    left = seconds / step * (steps - step)
    error = "no test set" if rows[-1]["error"] is None else f"error {rows[-1]['error']:.2f} %"
    stage = f"stage {rows[-1]['stage']}, " if rows[-1].get("stage", 1) > 1 else ""
    return f"{stage}step {step:,} of {steps:,} ({step / steps:.0%}), {clock(left)} left, {error}"


def _saved(cell: Cell) -> str:
    rows = cell.run.rows()
    kept = (cell.run / "checkpoint.pt").exists()
    return (
        f", kept up to a checkpoint near step {rows[-1]['step']:,}" if rows and kept else ", with a checkpoint" * kept
    )


def _tail(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(errors="replace").rstrip().splitlines()[-TAIL:])
    except OSError:
        return ()
