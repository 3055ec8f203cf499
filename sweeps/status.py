"""How far a table is:  python -m sweeps.status meta_t/table1 scale=demo [row=NAME] [column=NAME]

Per cell: done, running, queued, failed, missing; then what is under way, with the time left by metrics.jsonl, and why
runs failed or ended early. Reads the run store and, where there is one, asks SLURM (accounting is not needed).
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import claim
from benchmarks.errors import UserError
from sweeps import slurm
from sweeps.launch import distinct, options
from sweeps.sweep import Cell

STATES = ("done", "running", "queued", "failed", "missing")
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
        return Report(cell, "done")
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
    return f"step {step:,} of {steps:,} ({step / steps:.0%}), {_clock(left)} left, error {rows[-1]['error']:.2f} %"


def _saved(cell: Cell) -> str:
    rows = cell.run.rows()
    kept = (cell.run / "checkpoint.pt").exists()
    return (
        f", kept up to a checkpoint near step {rows[-1]['step']:,}" if rows and kept else ", with a checkpoint" * kept
    )


def _clock(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{seconds:.0f} s"


def _tail(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(errors="replace").rstrip().splitlines()[-TAIL:])
    except OSError:
        return ()


def table(reports: Sequence[Report]) -> str:
    """A line per cell that is not done, then the sum."""
    lines: list[tuple[str, ...]] = [("", "", *STATES)]
    cells: dict[tuple[str, str], Counter[str]] = {}
    for report in reports:
        cells.setdefault((report.cell.row, report.cell.column), Counter())[report.state] += 1
    lines += [(*cell, *(str(counts[s] or "·") for s in STATES)) for cell, counts in cells.items()]
    total = Counter(report.state for report in reports)
    lines.append(("in total", "", *(str(total[state]) for state in STATES)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(w) if k < 2 else text.rjust(w) for k, (text, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def left(reports: Sequence[Report]) -> str:
    """Share of all training steps that are done, and the hours of training that the rest takes at the pace so far."""
    done = total = rest = 0.0
    pace: dict[str, list[float]] = {}
    for cell, *_ in reports:
        steps, rows = cell.config["steps"], cell.run.rows()
        step = rows[-1]["step"] if rows else 0
        total, done = total + steps, done + step
        if rows:
            pace.setdefault(cell.row, []).append(rows[-1]["seconds"] / step)
    if not pace:
        return "nothing has been trained yet"
    everywhere = [p for paces in pace.values() for p in paces]
    for cell, *_ in reports:
        rows = cell.run.rows()
        known = pace.get(cell.row, everywhere)
        rest += (cell.config["steps"] - (rows[-1]["step"] if rows else 0)) * sum(known) / len(known)
    return f"{done / total:.0%} of all steps are done; at the pace so far the rest is {_clock(rest)} of training"


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    try:
        name, chosen = options(arguments)
        reports = examine(distinct(name, chosen["scale"], chosen.get("row"), chosen.get("column")))
    except (UserError, json.JSONDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{name} at scale={chosen['scale']}\n\n{table(reports)}\n\n{left(reports)}")
    for report in reports:
        if report.detail:
            cell = report.cell
            print(f"{report.state}: {cell.row}, {cell.column}, seed {cell.seed} ({cell.run.id}): {report.detail}")
            print(*(f"    {line}" for line in report.tail), sep="\n", end="\n" if report.tail else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
