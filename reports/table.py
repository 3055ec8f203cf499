"""Tables, ours beside the published numbers:  python -m reports.table meta_t/table1 [meta_t/table2 ...|all] scale=demo

Writes reports/out/<scale>/<name>.{md,tex,csv}, .compare.csv (ours - published) and, where a table has a time axis,
.time.csv (when each cell was read), and prints the first. Reads only the run store. best_on_test=true shows instead
what the best evaluation on the test set would have given, in files of that name.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from benchmarks.machine.settings import runs
from reports import read, render
from reports.collect import collect
from reports.notes import notes, title
from reports.published import PAPERS
from reports.summary import CSV, compare, summarise, time_axis, totals
from sweeps.sweep import load, names

__all__ = ["Table", "build", "main", "notes", "summarise", "title", "write"]

OUT = Path(__file__).parent / "out"


class Table(NamedTuple):
    title: str
    notes: list[str]
    cells: pd.DataFrame  #: reports.summary.summarise
    compared: pd.DataFrame  #: reports.summary.compare
    totals: pd.DataFrame  #: reports.summary.totals
    times: pd.DataFrame  #: reports.summary.time_axis

    def markdown(self) -> str:
        more = [render.comparison(self.compared), render.overall(self.totals), render.steps(self.times)]
        return "\n".join([render.markdown(self.cells, self.title, self.notes), *(part for part in more if part)])


def build(name: str, scale: str, best_on_test: bool = False) -> Table:
    """The table as the run store has it now. Raises UserError."""
    sweep = load(name)
    runs = collect(sweep, scale, best_on_test)
    cells = summarise(sweep, name, scale, runs)
    below = notes(sweep, name, scale, cells, runs) + [f"Skipped, as no run: {path}" for path in read.strays()]
    return Table(title(sweep, name, scale), below, cells, compare(cells), totals(sweep, cells, runs), time_axis(cells))


def write(table: Table, target: Path) -> None:
    """Markdown, LaTeX and CSV beside each other; `target` has no suffix."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".md").write_text(table.markdown())
    target.with_suffix(".tex").write_text(render.latex(table.cells, table.title, table.notes))
    for suffix, frame in (
        (".csv", table.cells[list(CSV)]),
        (".compare.csv", table.compared),
        (".time.csv", table.times),
    ):
        if len(frame) or suffix != ".time.csv":
            frame.to_csv(target.with_suffix(suffix), index=False, float_format="%.4f")


def options(arguments: list[str]) -> tuple[list[str], str, bool]:
    """name ... key=value ... -> names, scale, best_on_test. Raises UserError."""
    chosen = {"scale": "demo", "best_on_test": "false"}
    wanted = [argument for argument in arguments if "=" not in argument]
    for argument in (argument for argument in arguments if "=" in argument):
        key, _, value = argument.partition("=")
        if key not in chosen:
            raise UserError(f'unknown option "{argument}".{nearest(key, list(chosen))}')
        chosen[key] = value
    if not wanted:
        raise UserError("which table? e.g. python -m reports.table meta_t/table1 scale=demo")
    if chosen["best_on_test"] not in ("true", "false"):
        raise UserError(f"best_on_test={chosen['best_on_test']} is not possible: it must be true or false")
    if wanted == ["all"]:
        wanted = [name for paper in PAPERS for name in names() if name.startswith(f"{paper}/table")]
    return wanted, chosen["scale"], chosen["best_on_test"] == "true"


@command
def main(arguments: list[str]) -> int:
    wanted, scale, best_on_test = options(arguments)
    for name in wanted:
        table = build(name, scale, best_on_test)
        target = OUT / scale / (f"{name}_best_on_test" if best_on_test else name)
        write(table, target)
        print(table.markdown())
        print(f"{target}.md .tex .csv, from the runs in {runs()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
