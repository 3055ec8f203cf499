"""How far a table is:  python -m sweeps.status meta_t/table1 scale=demo [row=NAME] [column=NAME]

Per cell: done, stale (done, but with other data or code than is here now), running, queued, failed, missing; then what
is under way, with the time left by metrics.jsonl, and why runs are stale, failed or ended early. Reads the run store
and, where there is one, asks SLURM (accounting is not needed).
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence

from benchmarks.errors import UserError, command
from benchmarks.machine.progress import clock
from sweeps.asked import distinct, order
from sweeps.examine import Report, examine
from sweeps.stale import REMEDY

STATES = ("done", "stale", "running", "queued", "failed", "missing")


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
    return f"{done / total:.0%} of all steps are done; at the pace so far the rest is {clock(rest)} of training"


@command
def main(arguments: list[str]) -> int:
    try:
        wanted = order(arguments)
        reports = examine(distinct(wanted.name, wanted.scale, wanted.row, wanted.column))
    except json.JSONDecodeError as error:
        raise UserError(str(error)) from error
    print(f"{wanted.title}\n\n{table(reports)}\n\n{left(reports)}")
    for why, n in Counter(report.detail for report in reports if report.state == "stale").items():
        print(f"stale: {n} runs, {why}. {REMEDY}")
    for report in reports:
        if report.detail and report.state != "stale":
            cell = report.cell
            print(f"{report.state}: {cell.label} ({cell.run.id}): {report.detail}")
            print(*(f"    {line}" for line in report.tail), sep="\n", end="\n" if report.tail else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
