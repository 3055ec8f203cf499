"""Run what a table still lacks:  python -m sweeps.launch meta_t/table1 scale=demo [launcher=local|slurm|debug]

Ask twice, run once: a run with a result, in the queue or under way is left alone. One failing run does not stop the
others; it is named at the end, and the exit status is then 1. row=NAME and column=NAME keep to one row or column;
--dry-run only says what would run, and what a cluster would be asked for.

Options of runs, and lists of their values, make a sweep of your own, of a table's rows and columns or without one:

    python -m sweeps.launch row=FixMatch method.lambda_u=0.5,1,2 seed=0..4
    python -m sweeps.launch meta_t/table1 row=Meta-T column=digits/40 method.slope=10,100

python -m reports.table takes the same words and shows it (docs/own-sweeps.md).

local uses the machine's GPUs, or else its cores; debug runs one after the other in this process; slurm submits job
arrays and returns: python -m sweeps.status and python -m sweeps.cancel take the same arguments. With --wait it stays,
submits what submit_limit held back as the queue empties, and ends with the last task. sweeps/launch.yaml explains the
settings (partition, hours, memory_gb, gpus, runs_per_gpu, sbatch.OPTION, ...): here as hours=12 or wrn28_8.hours=48, or
in settings=FILE.
"""

import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from benchmarks.errors import command
from sweeps import before, local
from sweeps.asked import Order, distinct, order
from sweeps.settings import Settings, settings
from sweeps.stale import settle
from sweeps.submission import in_queue, stay, submit
from sweeps.sweep import Cell


def launch(cells: list[Cell], here: Settings, debug: bool = False) -> list[tuple[Cell, str]]:
    """Run the cells here with a progress bar; returns those that failed, with the reason."""
    cells = cells[::-1]  # dear rows stand last
    each = ((cell, local.execute(cell)) for cell in cells)
    works = each if debug else local.carry_out(cells, here.workers, here.runs_per_gpu)
    failed = []
    start = time.monotonic()
    bar = tqdm(total=len(cells), unit="run", disable=None, smoothing=0)  # a bar on a terminal, else a line a run
    for done, (cell, outcome) in enumerate(works, start=1):
        bar.set_postfix_str(cell.label, refresh=False)
        bar.update()
        said = outcome.state if outcome.state != "claimed" else f"left alone ({outcome.reason})"
        if bar.disable:
            left = (time.monotonic() - start) / done * (len(cells) - done)
            said = "FAILED" if said == "failed" else said
            print(f"[{done}/{len(cells)}] {cell.label}: {said} ({left:.0f} s left)")
        if outcome.state == "failed":
            failed.append((cell, outcome.reason))
    bar.close()
    return failed


def room_here(cells: Sequence[Cell], wanted: Order, here: Settings) -> float:
    """GB that the runs under way take on this machine: of the largest kind, if need be."""
    kinds = {cell.config["backbone"]["name"] for cell in cells}
    at_once = min(len(cells), local.at_once(here.workers, here.runs_per_gpu))
    return at_once * max(settings(kind, wanted.file, wanted.given).disk_gb for kind in kinds)


@command
def main(arguments: list[str]) -> int:
    try:
        wanted = order(arguments)
        every = distinct(wanted.name, wanted.scale, wanted.row, wanted.column)
        stale = settle(every, wanted.dry)
        cells = [cell for cell in every if not cell.run.done]
        done, on_slurm = len(every) - len(cells), wanted.launcher == "slurm"
        queued = in_queue(cells) if on_slurm else set()
        cells = [cell for cell in cells if cell.run.id not in queued]
        there = f"{len(queued)} in the queue, " if on_slurm else ""
        print(f"{wanted.title}: {done} of {len(every)} runs done, {there}{len(cells)} to go", *stale, sep="\n")
        held = submit(cells, wanted) if cells and (on_slurm or wanted.dry) else []
        if on_slurm and wanted.wait and not wanted.dry:
            stay(every, wanted, held)
        if wanted.dry:
            print(*(cell.command for cell in cells), sep="\n")
        if not cells or on_slurm or wanted.dry:
            return 0
        here = settings("local", wanted.file, wanted.given)
        before.check(cells, room_here(cells, wanted, here))
        failed = launch(cells, here, wanted.launcher == "debug")
    except KeyboardInterrupt:
        print("interrupted: what is finished stays; the same command goes on from here", file=sys.stderr)
        return 130
    for cell, reason in failed:
        print(f"failed: {cell.label}: {reason}\n  {cell.command}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
