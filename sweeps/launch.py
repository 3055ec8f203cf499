"""Run what a table still lacks:  python -m sweeps.launch meta_t/table1 scale=demo [launcher=local|slurm|debug]

Ask twice, run once: a run with a result, in the queue or under way is left alone. One failing run does not stop the
others; it is named at the end, and the exit status is then 1. row=NAME and column=NAME keep to one row or column;
--dry-run only says what would run, and what a cluster would be asked for.

local uses the machine's GPUs, or else its cores; debug runs one after the other in this process; slurm submits job
arrays and returns: python -m sweeps.status and python -m sweeps.cancel take the same arguments. sweeps/launch.yaml
explains the settings (partition, hours, memory_gb, gpus, runs_per_gpu, ...): here as hours=12 or wrn28_8.hours=48, or
in settings=FILE.
"""

import sys
import time
from collections.abc import Mapping

from tqdm import tqdm

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from sweeps import arrays, local, slurm
from sweeps.settings import NAMES, is_setting, settings
from sweeps.sweep import Cell, load

LAUNCHERS = ("local", "slurm", "debug")
OPTIONS = ("scale", "launcher", "row", "column", "settings")


def missing(name: str, scale: str, row: str | None = None, column: str | None = None) -> tuple[list[Cell], int]:
    """The cells without a result, each configuration once, and how many distinct runs there are in all."""
    every = distinct(name, scale, row, column)
    return [cell for cell in every if not cell.run.done], len(every)


def distinct(name: str, scale: str, row: str | None = None, column: str | None = None) -> list[Cell]:
    """The cells of a table or of one row or column, each configuration once. Raises UserError."""
    cells = [c for c in load(name).cells(scale) if row in (None, c.row) and column in (None, c.column)]
    if not cells:
        raise UserError(f"{name} has no run for row={row} column={column} at scale={scale}")
    return list({cell.run.id: cell for cell in cells}.values())


def options(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """name key=value ... -> (name, options). Raises UserError."""
    if not arguments or "=" in arguments[0]:
        raise UserError("which table? e.g. python -m sweeps.launch meta_t/table1 scale=demo")
    found = {"scale": "demo", "launcher": "local"}
    for argument in arguments[1:]:
        key, separator, value = argument.partition("=")
        if not separator or not (key in OPTIONS or is_setting(key)):
            raise UserError(f'unknown option "{argument}".{nearest(key, [*OPTIONS, *NAMES])}')
        found[key] = value
    if found["launcher"] not in LAUNCHERS:
        raise UserError(f'unknown launcher "{found["launcher"]}".{nearest(found["launcher"], LAUNCHERS)}')
    return arguments[0], found


def given(chosen: Mapping[str, str]) -> dict[str, str]:
    """The launch settings among the options."""
    return {key: value for key, value in chosen.items() if is_setting(key)}


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


def submit(name: str, cells: list[Cell], chosen: Mapping[str, str], dry: bool) -> None:
    """Job arrays for the cells; says what they ask for. Raises UserError."""
    try:
        largest = slurm.largest_array()
    except UserError:
        if not dry:
            raise
        largest = None
    found = arrays.arrays(cells, chosen.get("settings"), given(chosen), largest)
    for array in found:
        s, n = array.settings, len(array.tasks)
        where = "would be submitted" if dry else f"job {arrays.submit(name, chosen['scale'], array)}"
        print(
            f"{array.kind}: {sum(map(len, array.tasks))} runs in {n} tasks, {s.runs_per_gpu} a task, {s.gpus} GPU, "
            f"{s.cpus} cores, {s.memory_gb:g} GB, {s.hours:g} h each, {s.concurrency} at a time: {where}"
        )
    hours, gpu_hours = sum(a.hours for a in found), sum(a.hours * a.settings.gpus for a in found)
    print(f"in total {len(cells)} runs, {hours:,.0f} hours asked for at most, {gpu_hours:,.0f} GPU-hours")


@command
def main(arguments: list[str]) -> int:
    dry = "--dry-run" in arguments
    try:
        name, chosen = options([a for a in arguments if a != "--dry-run"])
        cells, total = missing(name, chosen["scale"], chosen.get("row"), chosen.get("column"))
        on_slurm = chosen["launcher"] == "slurm"
        known = slurm.tasks(cell.run.id for cell in cells) if on_slurm else {}
        queued = {run for run, task in known.items() if slurm.active(task)}
        done, cells = total - len(cells), [cell for cell in cells if cell.run.id not in queued]
        there = f"{len(queued)} in the queue, " if on_slurm else ""
        print(f"{name} at scale={chosen['scale']}: {done} of {total} runs done, {there}{len(cells)} to go")
        if dry:
            print(*(cell.command for cell in cells), sep="\n")
        if cells and (on_slurm or dry):
            submit(name, cells, chosen, dry)
        if not cells or on_slurm or dry:
            return 0
        here = settings("local", chosen.get("settings"), given(chosen))
        failed = launch(cells, here.runs_per_gpu, chosen["launcher"] == "debug")
    except KeyboardInterrupt:
        print("interrupted: what is finished stays; the same command goes on from here", file=sys.stderr)
        return 130
    for cell, reason in failed:
        print(f"failed: {cell.row}, {cell.column}, seed {cell.seed}: {reason}\n  {cell.command}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
