"""Run what a table still lacks:  python -m sweeps.launch meta_t/table1 scale=demo [launcher=local|slurm|debug]

Ask twice, run once: a run with a result, in the queue or under way is left alone. One failing run does not stop the
others; it is named at the end, and the exit status is then 1. row=NAME and column=NAME keep to one row or column;
--dry-run only says what would run, and what a cluster would be asked for.

Options of runs, and lists of their values, make a sweep of your own, of a table's rows and columns or without one:

    python -m sweeps.launch row=FixMatch method.lambda_u=0.5,1,2 seed=0..4
    python -m sweeps.launch meta_t/table1 row=Meta-T column=digits/40 method.slope=10,100

python -m reports.table takes the same words and shows it (docs/own-sweeps.md).

local uses the machine's GPUs, or else its cores; debug runs one after the other in this process; slurm submits job
arrays and returns: python -m sweeps.status and python -m sweeps.cancel take the same arguments. sweeps/launch.yaml
explains the settings (partition, hours, memory_gb, gpus, runs_per_gpu, ...): here as hours=12 or wrn28_8.hours=48, or
in settings=FILE.
"""

import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from benchmarks.errors import UserError, command
from sweeps import arrays, before, local, slurm
from sweeps.asked import Order, distinct, order
from sweeps.settings import settings
from sweeps.sweep import Cell


def launch(cells: list[Cell], per_gpu: int = 1, debug: bool = False) -> list[tuple[Cell, str]]:
    """Run the cells here with a progress bar; returns those that failed, with the reason."""
    cells = cells[::-1]  # dear rows stand last
    works = ((cell, local.execute(cell)) for cell in cells) if debug else local.carry_out(cells, None, per_gpu)
    failed = []
    start = time.monotonic()
    bar = tqdm(total=len(cells), unit="run", disable=None, smoothing=0)  # a bar on a terminal, else a line a run
    for done, (cell, outcome) in enumerate(works, start=1):
        bar.set_postfix_str(f"{cell.row}, {cell.column}, seed {cell.seed}", refresh=False)
        bar.update()
        said = outcome.state if outcome.state != "claimed" else f"left alone ({outcome.reason})"
        if bar.disable:
            left = (time.monotonic() - start) / done * (len(cells) - done)
            said = "FAILED" if said == "failed" else said
            print(f"[{done}/{len(cells)}] {cell.row}, {cell.column}, seed {cell.seed}: {said} ({left:.0f} s left)")
        if outcome.state == "failed":
            failed.append((cell, outcome.reason))
    bar.close()
    return failed


def submit(cells: list[Cell], wanted: Order) -> None:
    """Job arrays for the cells; says what they ask for. Raises UserError."""
    try:
        largest = slurm.largest_array()
    except UserError:
        if not wanted.dry:
            raise
        largest = None
    found = arrays.arrays(cells, wanted.file, wanted.given, largest)
    if not wanted.dry:
        before.check(cells, before.room(found))
    for array in found:
        s, n = array.settings, len(array.tasks)
        where = "would be submitted" if wanted.dry else f"job {arrays.submit(wanted.name, wanted.scale, array)}"
        print(
            f"{array.kind}: {sum(map(len, array.tasks))} runs in {n} tasks, {s.runs_per_gpu} a task, {s.gpus} GPU, "
            f"{s.cpus} cores, {s.memory_gb:g} GB, at most {s.hours:g} h at a time, {s.concurrency} at a time: {where}"
        )
    print(f"in total {len(cells)} runs, {before.cost(found)}")
    for fault in before.faults(cells, before.room(found)):  # of a dry run
        print(f"not yet: {fault}")


def room_here(cells: Sequence[Cell], wanted: Order, per_gpu: int) -> float:
    """GB that the runs under way take on this machine: of the largest kind, if need be."""
    kinds = {cell.config["backbone"]["name"] for cell in cells}
    at_once = min(len(cells), len(local.gpus()) * per_gpu or local.cores())
    return at_once * max(settings(kind, wanted.file, wanted.given).disk_gb for kind in kinds)


@command
def main(arguments: list[str]) -> int:
    try:
        wanted = order(arguments)
        every = distinct(wanted.name, wanted.scale, wanted.row, wanted.column)
        cells = [cell for cell in every if not cell.run.done]
        done, on_slurm = len(every) - len(cells), wanted.launcher == "slurm"
        known = slurm.tasks(cell.run.id for cell in cells) if on_slurm else {}
        queued = {run for run, task in known.items() if slurm.active(task)}
        cells = [cell for cell in cells if cell.run.id not in queued]
        there = f"{len(queued)} in the queue, " if on_slurm else ""
        print(f"{wanted.title}: {done} of {len(every)} runs done, {there}{len(cells)} to go")
        if cells and (on_slurm or wanted.dry):
            submit(cells, wanted)
        if wanted.dry:
            print(*(cell.command for cell in cells), sep="\n")
        if not cells or on_slurm or wanted.dry:
            return 0
        here = settings("local", wanted.file, wanted.given)
        before.check(cells, room_here(cells, wanted, here.runs_per_gpu))
        failed = launch(cells, here.runs_per_gpu, wanted.launcher == "debug")
    except KeyboardInterrupt:
        print("interrupted: what is finished stays; the same command goes on from here", file=sys.stderr)
        return 130
    for cell, reason in failed:
        print(f"failed: {cell.row}, {cell.column}, seed {cell.seed}: {reason}\n  {cell.command}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
