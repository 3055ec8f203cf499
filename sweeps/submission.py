"""Runs -> the queue of SLURM, at once or in waves under a limit. Says what is asked for."""

import time

from benchmarks.errors import UserError
from sweeps import arrays, before, slurm
from sweeps.asked import Order
from sweeps.sweep import Cell

PAUSE = 60.0  #: seconds between two looks at the queue with --wait


def submit(cells: list[Cell], wanted: Order) -> list[Cell]:
    """Job arrays for the cells. Returns those that `submit_limit` held back. Raises UserError."""
    largest, queued = None, 0
    try:
        largest = slurm.largest_array()
        queued = slurm.queued()
    except UserError:
        if not wanted.dry:
            raise
    found = arrays.fitting(arrays.arrays(cells, wanted.file, wanted.given, largest), queued)
    if not wanted.dry:
        before.check(cells, before.room(found))
    for array in found:
        s, n = array.settings, len(array.tasks)
        where = "would be submitted" if wanted.dry else f"job {arrays.submit(wanted.name, wanted.scale, array)}"
        memory = "" if s.memory_gb is None else f"{s.memory_gb:g} GB, "
        print(
            f"{array.kind}: {sum(map(len, array.tasks))} runs in {n} tasks, {s.runs_per_gpu} a task, {s.gpus} GPU, "
            f"{s.cpus} cores, {memory}at most {s.hours:g} h at a time, {s.concurrency} at a time: {where}"
        )
    sent = {cell.run.id for array in found for task in array.tasks for cell in task}
    print(f"in total {len(sent)} runs, {before.cost(found)}")
    for fault in before.faults(cells, before.room(found)) if wanted.dry else ():
        print(f"not yet: {fault}")
    held = [cell for cell in cells if cell.run.id not in sent]
    if held:
        again = "" if wanted.wait else "; launch again when these are through, or with --wait"
        print(f"held back by submit_limit: {len(held)} runs, beside {queued} tasks in the queue{again}")
    return held


def in_queue(cells: list[Cell]) -> set[str]:
    """Ids of the runs that SLURM has."""
    known = slurm.tasks(cell.run.id for cell in cells if not cell.run.done)
    return {run for run, task in known.items() if slurm.active(task)}


def stay(cells: list[Cell], wanted: Order, held: list[Cell]) -> None:
    """Submit what was held back as the queue empties, each run once; until none of the cells is in the queue."""
    while held or in_queue(cells):
        time.sleep(PAUSE)
        if held:
            held = submit(held, wanted)
