"""One page with everything:  python -m reports.page scale=demo

Writes reports/out/index.html, which needs nothing from elsewhere, and reports/out/runs/<id>.html, a page per run. It
holds the scale asked for, the paper's own, and any other that has runs in the store. Tables read without JavaScript.
"""

import base64
import re
import sys
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.errors import UserError
from benchmarks.store import root
from reports import audit, figure, read, run_page
from reports.collect import collect
from reports.figures import FIGURES
from reports.published import PAPERS, errata
from reports.render import SIGNS
from reports.summary import compare, summarise
from reports.table import notes, title
from sweeps.sweep import DEMO_SEEDS, SCALES, Cell, load, names

DPI = 100  #: of figures on the page, whose files have twice as many
UNBUILT = {"not implemented", "absent"}
HERE = Path(__file__).parent
Uses = dict[str, list[run_page.Use]]  #: run id -> the cells that show it


def environment() -> Environment:
    """The templates, with everything escaped that is put into them."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def scales(asked: str) -> list[str]:
    """The scale asked for, then the paper's and those of the runs in the store."""
    found = {asked, "paper"}
    for path in root().glob("*/config.yaml"):
        if match := re.search(r"^scale: (\w+)$", path.read_text(errors="replace"), re.MULTILINE):
            found.add(match[1])
    return sorted(found & set(SCALES), key=lambda scale: (scale != asked, SCALES.index(scale)))


def launch(name: str, scale: str, **where: str) -> str:
    """The command that fills a table, or one cell of it."""
    places = (f'{key}="{value}"' for key, value in where.items())
    return " ".join(("python -m sweeps.launch", name, f"scale={scale}", *places))


def table_view(name: str, scale: str, uses: Uses) -> dict[str, Any]:
    """What the template shows of one table at one scale; adds the table's runs to `uses`."""
    sweep = load(name)
    runs = collect(sweep, scale)
    frame = summarise(sweep, name, scale, runs)
    done = done_cells(name, scale, uses, set(runs.loc[runs["value"].notna(), "id"]))
    compared = {(line.row, line.column): line for line in compare(frame).itertuples()}
    rows = []
    for row, line in frame.groupby("row", sort=False):
        cells = line.to_dict("records")
        for cell in cells:
            column = cell["column"]
            cell |= {"runs": done.get((row, column), []), "command": launch(name, scale, row=row, column=column)}
            cell["difference"] = compared.get((row, column))
        rows.append({"name": row, "cells": cells, "published": any(pd.notna(c["published_mean"]) for c in cells)})
    states = Counter(frame["state"])
    pending = [row["name"] for row in rows if not row["published"] and {c["state"] for c in row["cells"]} <= UNBUILT]
    below = notes(sweep, name, scale, frame, runs)
    if pending:
        below.append(f"Not implemented: {', '.join(pending)}.")
    return {
        "scale": scale,
        "title": title(sweep, name, scale) if scale in DEMO_SEEDS else "",
        "columns": list(dict.fromkeys(frame["column"])),
        "rows": [row for row in rows if row["name"] not in pending],
        "notes": below,
        "measured": states["measured"],
        "missing": states["missing"],
    }


@cache
def cells_of(name: str, scale: str) -> list[Cell]:
    return list(load(name).cells(scale))


def done_cells(name: str, scale: str, uses: Uses, finished: set[str]) -> dict[tuple[str, str], list[Cell]]:
    """(row, column) -> its finished runs; notes in `uses` where each is shown."""
    done: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells_of(name, scale):
        if cell.run.id in finished:
            done.setdefault((cell.row, cell.column), []).append(cell)
            uses.setdefault(cell.run.id, []).append((name, cell))
    return done


def figure_view(name: str, scale: str, uses: Uses) -> dict[str, Any]:
    """One figure at one scale, drawn anew; without an image where no run is done."""
    view: dict[str, Any] = {"scale": scale, "image": "", "message": "", "runs": []}
    try:
        drawn = figure.draw(name, scale)
    except UserError as error:
        return view | {"message": str(error)}
    path = figure.target(name, scale)
    figure.save(drawn, path)
    if name in names():
        runs = {cell.run.id: cell.run for cell in cells_of(name, scale)}
        finished = {identity for identity, run in runs.items() if isinstance(read.result(run), dict)}
        done = done_cells(name, scale, uses, finished)
        view["runs"] = list({cell.run.id: cell for cells in done.values() for cell in cells}.values())
    image = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
    width, height = (round(inches * DPI) for inches in drawn.get_size_inches())
    return view | {"image": image, "width": width, "height": height, "file": path.relative_to(figure.OUT).as_posix()}


def figures(shown: list[str], uses: Uses) -> list[dict[str, Any]]:
    views = []
    for name in FIGURES:
        module = import_module(f"reports.figures.{name.partition('/')[2]}")
        here = shown if module.FRAMES else shown[:1]
        drawn = [figure_view(name, scale, uses) for scale in here]
        views.append({"name": name, "title": module.TITLE, "caption": module.CAPTION, "views": drawn})
    return views


def write_run_pages(templates: Environment, uses: Uses, folder: Path) -> None:
    """A page per run, where there is none or what it is made of has changed."""
    code = [*HERE.glob("*.py"), *HERE.glob("templates/*"), *(HERE.parent / "sweeps").rglob("*.py")]
    changed = max(path.stat().st_mtime for path in code)
    for identity, places in uses.items():
        old, result = folder / f"{identity}.html", places[0][1].run / "result.json"
        if not old.exists() or old.stat().st_mtime < max(changed, result.stat().st_mtime):
            run_page.write(templates, places, folder)


def build(scale: str) -> Path:
    """The whole report. Raises UserError."""
    cells_of.cache_clear()  # the store may have changed
    templates, uses, shown = environment(), Uses(), scales(scale)
    tables = [
        {"name": name, "caption": load(name).caption, "views": [table_view(name, s, uses) for s in shown]}
        for name in names()
        if "/table" in name
    ]
    drawn = figures(shown, uses)
    judged = sorted(audit.judge(), key=lambda pair: pair[1].holds)
    page = templates.get_template("index.html").render(
        papers=PAPERS, scales=shown, tables=tables, figures=drawn, runs=len(uses),
        judged=judged, summary=audit.summary(judged), signs=SIGNS, errata=errata().to_dict("records"),
    )  # fmt: skip
    folder = figure.OUT / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    write_run_pages(templates, uses, folder)
    path = figure.OUT / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    try:
        if not all("=" in argument for argument in arguments):
            raise UserError("the page has one option, e.g. python -m reports.page scale=demo")
        _, scale = figure.parse(["all", *arguments])
        path = build(scale)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
