"""Take a table's runs out of SLURM's queue:  python -m sweeps.cancel meta_t/table1 scale=paper [row=NAME] [column=NAME]

A run under way saves a checkpoint first; the next launch goes on from it. What is finished stays. --dry-run only says
how many there are.
"""

import sys

from benchmarks.errors import command
from sweeps import slurm
from sweeps.asked import distinct, order


@command
def main(arguments: list[str]) -> int:
    wanted = order(arguments)
    cells = distinct(wanted.name, wanted.scale, wanted.row, wanted.column)
    known = slurm.tasks(cell.run.id for cell in cells if not cell.run.done)
    active = {run: task for run, task in known.items() if slurm.active(task)}
    ids = sorted({task.id for task in active.values()})
    if not wanted.dry:
        slurm.cancel(ids)
    would = "would be " if wanted.dry else ""
    print(f"{wanted.title}: {len(ids)} tasks with {len(active)} of these runs {would}cancelled")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
