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
from typing import NamedTuple

from tqdm import tqdm

from benchmarks.arguments import nearest, read
from benchmarks.errors import UserError, command
from sweeps import arrays, local, slurm
from sweeps.grid import OPTIONS, is_option, written
from sweeps.settings import NAMES, Settings, is_setting, settings
from sweeps.stale import settle
from sweeps.sweep import Cell, load

LAUNCHERS = ("local", "slurm", "debug")
PAUSE = 60.0  #: seconds between two looks at the queue with --wait


class Order(NamedTuple):
    """What is asked for: a table or a part of it, and how to run it."""

    name: str
    scale: str
    row: str | None
    column: str | None
    launcher: str
    file: str | None  #: of launch settings
    given: dict[str, str]  #: launch settings on the command line
    dry: bool
    wait: bool

    @property
    def title(self) -> str:
        return f"{self.name} at scale={self.scale}"


def order(arguments: list[str]) -> Order:
    """What launch, status and cancel are asked for. Raises UserError."""
    words, options, rest = read(
        arguments,
        lambda key: is_setting(key) or is_option(key),
        (*NAMES, *OPTIONS),
        scale="demo",
        launcher=LAUNCHERS,
        row=None,
        column=None,
        settings=None,
    )
    tables = [word for word in words if word not in ("--dry-run", "--wait")]
    given = dict(pair for argument in rest if is_setting((pair := argument.split("=", 1))[0]))
    own = [argument for argument in rest if argument.partition("=")[0] not in given]
    if own or not tables:
        own += [f"{key}={options[key]}" for key in ("row", "column") if options[key] is not None]
        options |= {"row": None, "column": None}
    if len(tables) > 1 or not (tables or own):
        raise UserError("which table? e.g. python -m sweeps.launch meta_t/table1 scale=demo")
    name, dry, wait = written(tables, own) if own else tables[0], "--dry-run" in words, "--wait" in words
    return Order(name, file=options.pop("settings"), given=given, dry=dry, wait=wait, **options)


def distinct(name: str, scale: str, row: str | None = None, column: str | None = None) -> list[Cell]:
    """The cells of a table or of one row or column, each configuration once. Raises UserError."""
    sweep = load(name)
    for kind, chosen, known in (("row", row, sweep.rows), ("column", column, sweep.columns_at(scale))):
        if chosen is not None and chosen not in known:
            raise UserError(f'{name} has no {kind} "{chosen}" at scale={scale}.{nearest(chosen, known)}')
    cells = [c for c in sweep.cells(scale) if row in (None, c.row) and column in (None, c.column)]
    if not cells:
        raise UserError(f"{name} has no run for row={row} column={column} at scale={scale}")
    return list({cell.run.id: cell for cell in cells}.values())


def launch(cells: list[Cell], here: Settings, debug: bool = False) -> list[tuple[Cell, str]]:
    """Run the cells here with a progress bar; returns those that failed, with the reason."""
    cells = cells[::-1]  # dear rows stand last
    each = ((cell, local.execute(cell)) for cell in cells)
    works = each if debug else local.carry_out(cells, here.workers, here.runs_per_gpu)
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


def submit(cells: list[Cell], wanted: Order) -> list[Cell]:
    """Job arrays for the cells; says what they ask for. Returns those that it held back. Raises UserError."""
    largest, queued = None, 0
    try:
        largest = slurm.largest_array()
        queued = slurm.queued()
    except UserError:
        if not wanted.dry:
            raise
    found = arrays.fitting(arrays.arrays(cells, wanted.file, wanted.given, largest), queued)
    for array in found:
        s, n = array.settings, len(array.tasks)
        where = "would be submitted" if wanted.dry else f"job {arrays.submit(wanted.name, wanted.scale, array)}"
        memory = "" if s.memory_gb is None else f"{s.memory_gb:g} GB, "
        print(
            f"{array.kind}: {sum(map(len, array.tasks))} runs in {n} tasks, {s.runs_per_gpu} a task, {s.gpus} GPU, "
            f"{s.cpus} cores, {memory}{s.hours:g} h each, {s.concurrency} at a time: {where}"
        )
    hours, gpu_hours = sum(a.hours for a in found), sum(a.hours * a.settings.gpus for a in found)
    sent = {cell.run.id for array in found for task in array.tasks for cell in task}
    print(f"in total {len(sent)} runs, {hours:,.0f} hours asked for at most, {gpu_hours:,.0f} GPU-hours")
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
        print(f"{wanted.title}: {done} of {len(every)} runs done, {there}{len(cells)} to go")
        for line in stale:
            print(line)
        if wanted.dry:
            print(*(cell.command for cell in cells), sep="\n")
        held = submit(cells, wanted) if cells and (on_slurm or wanted.dry) else []
        if on_slurm and wanted.wait and not wanted.dry:
            stay(every, wanted, held)
        if not cells or on_slurm or wanted.dry:
            return 0
        here = settings("local", wanted.file, wanted.given)
        failed = launch(cells, here, wanted.launcher == "debug")
    except KeyboardInterrupt:
        print("interrupted: what is finished stays; the same command goes on from here", file=sys.stderr)
        return 130
    for cell, reason in failed:
        print(f"failed: {cell.row}, {cell.column}, seed {cell.seed}: {reason}\n  {cell.command}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
