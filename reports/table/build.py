"""A table as the run store has it now, and the files that hold it."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.collect import read
from reports.collect.frames import collect
from reports.table import markdown
from reports.table.compare import compare
from reports.table.latex import latex
from reports.table.notes import notes, title
from reports.table.summary import CSV, summarise, time_axis, totals
from sweeps.sweep import load


class Table(NamedTuple):
    title: str
    notes: list[str]
    cells: pd.DataFrame  #: reports.table.summary.summarise
    compared: pd.DataFrame  #: reports.table.compare.compare
    totals: pd.DataFrame  #: reports.table.summary.totals
    times: pd.DataFrame  #: reports.table.summary.time_axis

    def markdown(self) -> str:
        parts = [
            markdown.markdown(self.cells, self.title, self.notes),
            markdown.paired(self.cells),
            markdown.comparison(self.compared),
            markdown.overall(self.totals),
            markdown.steps(self.times),
        ]
        return "\n".join(part for part in parts if part)


def build(name: str, scale: str, best_on_test: bool = False, hours: bool = False) -> Table:
    """The table as the run store has it now; best_on_test, hours: see `frames.collect`. Raises UserError."""
    sweep = load(name)
    runs = collect(sweep, scale, best_on_test, hours)
    cells = summarise(sweep, name, scale, runs)
    below = notes(sweep, name, scale, cells, runs) + [f"Skipped, as no run: {path}" for path in read.strays()]
    return Table(title(sweep, name, scale), below, cells, compare(cells), totals(sweep, cells, runs), time_axis(cells))


def write(table: Table, target: Path) -> None:
    """Markdown, LaTeX and CSV beside each other; `target` has no suffix."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".md").write_text(table.markdown())
    target.with_suffix(".tex").write_text(latex(table.cells, table.title, table.notes))
    for suffix, frame in (
        (".csv", table.cells[list(CSV)]),
        (".compare.csv", table.compared),
        (".time.csv", table.times),
    ):
        if len(frame) or suffix != ".time.csv":
            frame.to_csv(target.with_suffix(suffix), index=False, float_format="%.4f")
