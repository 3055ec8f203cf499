"""Run what a table still lacks:  python -m sweeps.launch meta_t/table1 scale=demo [launcher=local|debug]

Ask twice, run once: a run with a result is left alone. One failing run does not stop the others; it is named at the
end, and the exit status is then 1. row=NAME and column=NAME keep to one row or column; --dry-run only lists.
"""

import sys
import time

from tqdm import tqdm

from benchmarks.config import nearest
from benchmarks.errors import UserError
from sweeps import local
from sweeps.sweep import Cell, load

LAUNCHERS = {"local": None, "debug": 1}
OPTIONS = ("scale", "launcher", "row", "column")


def missing(name: str, scale: str, row: str | None = None, column: str | None = None) -> tuple[list[Cell], int]:
    """The cells without a result, each configuration once, and how many distinct runs there are in all."""
    cells = [c for c in load(name).cells(scale) if row in (None, c.row) and column in (None, c.column)]
    if not cells:
        raise UserError(f"{name} has no run for row={row} column={column} at scale={scale}")
    distinct = {cell.run.id: cell for cell in cells}
    return [cell for cell in distinct.values() if not cell.run.done], len(distinct)


def options(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """name key=value ... -> (name, options). Raises UserError."""
    if not arguments or "=" in arguments[0]:
        raise UserError("which table? e.g. python -m sweeps.launch meta_t/table1 scale=demo")
    found = {"scale": "demo", "launcher": "local"}
    for argument in arguments[1:]:
        key, separator, value = argument.partition("=")
        if key not in OPTIONS or not separator:
            raise UserError(f'unknown option "{argument}".{nearest(key, OPTIONS)}')
        found[key] = value
    if found["launcher"] not in LAUNCHERS:
        raise UserError(f'unknown launcher "{found["launcher"]}".{nearest(found["launcher"], list(LAUNCHERS))}')
    return arguments[0], found


def launch(cells: list[Cell], workers: int | None) -> list[tuple[Cell, str]]:
    """Run the cells with a progress bar; returns those that failed, with the reason."""
    failed = []
    start = time.monotonic()
    bar = tqdm(total=len(cells), unit="run", disable=None, smoothing=0)  # a bar on a terminal, else a line a run
    for done, (cell, error) in enumerate(local.carry_out(cells[::-1], workers), start=1):  # dear rows stand last
        bar.set_postfix_str(f"{cell.row}, {cell.column}, seed {cell.seed}", refresh=False)
        bar.update()
        if bar.disable:
            left = (time.monotonic() - start) / done * (len(cells) - done)
            outcome = "FAILED" if error else "done"
            print(f"[{done}/{len(cells)}] {cell.row}, {cell.column}, seed {cell.seed}: {outcome} ({left:.0f} s left)")
        if error:
            failed.append((cell, error))
    bar.close()
    return failed


def main(arguments: list[str]) -> int:
    dry = "--dry-run" in arguments
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    try:
        name, chosen = options([a for a in arguments if a != "--dry-run"])
        cells, total = missing(name, chosen["scale"], chosen.get("row"), chosen.get("column"))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{name} at scale={chosen['scale']}: {total - len(cells)} of {total} runs done, {len(cells)} to go")
    if dry:
        print(*(cell.command for cell in cells), sep="\n")
        return 0
    try:
        failed = launch(cells, LAUNCHERS[chosen["launcher"]]) if cells else []
    except KeyboardInterrupt:
        print("interrupted: what is finished stays; the same command goes on from here", file=sys.stderr)
        return 130
    for cell, reason in failed:
        print(f"failed: {cell.row}, {cell.column}, seed {cell.seed}: {reason}\n  {cell.command}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
