"""A table as the run store has it now, and the files that hold it."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.collect import read
from reports.collect.frames import collect
from reports.table import markdown
from reports.table.compare import compare
from reports.table.latex import TEXT_WIDTH, latex
from reports.table.notes import caption, gaps, notes, title
from reports.table.summary import CSV, measured, summarise, tidy, time_axis, totals
from sweeps.grid import load


class Table(NamedTuple):
    name: str
    title: str
    caption: str
    notes: list[str]
    gaps: list[str]  #: runs that are missing or broken
    cells: pd.DataFrame  #: reports.table.summary.summarise
    compared: pd.DataFrame  #: reports.table.compare.compare
    totals: pd.DataFrame  #: reports.table.summary.totals
    times: pd.DataFrame  #: reports.table.summary.time_axis
    seeds: pd.DataFrame  #: reports.table.summary.tidy

    def markdown(self) -> str:
        parts = [
            markdown.markdown(self.cells, self.title, self.notes + self.gaps),
            markdown.paired(self.cells),
            markdown.comparison(self.compared),
            markdown.overall(self.totals),
            markdown.steps(self.times),
        ]
        return "\n".join(part for part in parts if part)


def build(name: str, scale: str, best_on_test: bool = False, which: str = "all", hours: bool = False) -> Table:
    """The table as the run store has it now; which="measured": without rows and columns that have no number of ours.

    best_on_test, hours: see `frames.collect`. Raises UserError.
    """
    sweep = load(name)
    every = runs = collect(sweep, scale, best_on_test, hours)
    cells = summarise(sweep, name, scale, runs)
    if which == "measured":
        cells = measured(cells)
        runs = runs[runs["row"].isin(cells["row"]) & runs["column"].isin(cells["column"])]
    return Table(
        name,
        title(sweep, name, scale),
        caption(sweep, name, scale),
        notes(sweep, name, scale, cells, runs),
        gaps(name, scale, runs) + [f"Skipped, as no run: {path}" for path in read.strays()],
        cells,
        compare(cells),
        totals(sweep, cells, runs),
        time_axis(cells),
        tidy(sweep, every),
    )


def write(table: Table, target: Path, width: float = TEXT_WIDTH) -> None:
    """Markdown, LaTeX and CSV beside each other; `target` has no suffix. width: of the text that LaTeX sets, in pt."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_name(f"{target.name}.md").write_text(table.markdown())
    text = latex(table.cells, table.caption, table.notes, table.gaps, table.name, width)
    target.with_name(f"{target.name}.tex").write_text(text)
    for suffix, frame in (
        (".csv", table.cells[list(CSV)]),
        (".seeds.csv", table.seeds),
        (".compare.csv", table.compared),
        (".time.csv", table.times),
    ):
        if len(frame) or suffix != ".time.csv":
            frame.to_csv(target.with_name(f"{target.name}{suffix}"), index=False, float_format="%.4f")
