"""What the page shows of each table and figure: dictionaries for templates/index.html. Reads only the run store."""

import base64
from collections import Counter
from contextlib import suppress
from typing import Any

import pandas as pd

from benchmarks.errors import UserError
from benchmarks.machine.settings import reports, runs
from benchmarks.store.run import configuration
from reports.collect import read
from reports.collect.frames import collect
from reports.figure import FIGURES, draw
from reports.page.run import Use
from reports.page.words import heading
from reports.table.compare import compare
from reports.table.notes import DIGITS, gaps, notes
from reports.table.summary import summarise
from sweeps.grid import load
from sweeps.names import declared_tables, names
from sweeps.sweep import ON_DIGITS, Cell

DPI = 100  #: of figures on the page, whose files have twice as many
UNBUILT = {"not implemented", "absent"}
Uses = dict[str, list[Use]]  #: run id -> the cells that show it


def launch(name: str, scale: str, **where: str) -> str:
    """The command that fills a table, or one cell of it."""
    places = (f'{key}="{value}"' for key, value in where.items())
    return " ".join(("python -m sweeps.launch", name, f"scale={scale}", *places))


def table_view(name: str, scale: str, uses: Uses) -> dict[str, Any]:
    """What the template shows of one table at one scale; adds the table's runs to `uses`."""
    sweep = load(name)
    collected = collect(sweep, scale)
    frame = summarise(sweep, name, scale, collected)
    done = done_cells(name, scale, collected, uses)
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
    below = notes(sweep, name, scale, frame, collected) + gaps(name, scale, collected)
    unbuilt = [row for row in pending if sweep.rows[row] is None]
    elsewhere = [row for row in pending if row not in unbuilt]
    below += [f"Not implemented: {', '.join(unbuilt)}."] * bool(unbuilt)
    below += [f"No column at this scale: {', '.join(elsewhere)}."] * bool(elsewhere)
    return {
        "scale": scale,
        "caption": sweep.caption_at(scale),
        "title": DIGITS if sweep.demo and scale in ON_DIGITS else "",
        "columns": list(dict.fromkeys(frame["column"])),
        "rows": [row for row in rows if row["name"] not in pending],
        "notes": below,
        "measured": states["measured"],
        "missing": states["missing"],
    }


def done_cells(name: str, scale: str, found: pd.DataFrame, uses: Uses) -> dict[tuple[str, str], list[Cell]]:
    """(row, column) -> the cell's runs that have a number. `uses` then says where each of them is shown."""
    finished = set(found.loc[found["value"].notna(), "id"])
    done: dict[tuple[str, str], list[Cell]] = {}
    for cell in load(name).cells(scale):
        if cell.run.id in finished:
            done.setdefault((cell.row, cell.column), []).append(cell)
            uses.setdefault(cell.run.id, []).append((name, cell))
    return done


def elsewhere(uses: Uses) -> list[Cell]:
    """The store's runs that no table or figure shows, finished or not, as far as they can be read; added to `uses`."""
    found = []
    for path in sorted(runs().glob("*/config.yaml")):
        if path.parent.name in uses:
            continue
        with suppress(*read.BROKEN):  # a table of the run's own names the fault
            config = configuration(path.parent)
            task = config["task"]
            cell = Cell(config["method"]["name"], f"{task['name']}/{task['labels']}", config["seed"], (), config)
            if cell.run.id == path.parent.name:
                uses[cell.run.id] = [("", cell)]
                found.append(cell)
    return sorted(found, key=lambda cell: (cell.column, cell.row, str(cell.config["scale"]), cell.run.id))


def other(uses: Uses) -> list[dict[str, Any]]:
    """What the list of these runs says of each."""
    lines = []
    for cell in elsewhere(uses):
        found = read.result(cell.run)
        error = f"{read.reported(found, 'error'):.2f}" if isinstance(found, dict) else ""
        lines.append({"cell": cell, "error": error, "state": "done" if error else "not finished"})
    return lines


def figure_view(name: str, scale: str, uses: Uses) -> dict[str, Any]:
    """One figure at one scale, drawn anew; without runs it has a message in place of an image."""
    view: dict[str, Any] = {"scale": scale, "image": "", "message": "", "runs": []}
    try:
        drawn = draw.draw(name, scale)
    except UserError as error:
        return view | {"message": str(error)}
    path = draw.target(name, scale)
    draw.save(drawn, path)
    if name in names():
        done = done_cells(name, scale, collect(load(name), scale), uses)
        view["runs"] = list({cell.run.id: cell for cells in done.values() for cell in cells}.values())
    image = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
    width, height = (round(inches * DPI) for inches in drawn.get_size_inches())
    return view | {"image": image, "width": width, "height": height, "file": path.relative_to(reports()).as_posix()}


def tables(shown: list[str], uses: Uses) -> list[dict[str, Any]]:
    """Every table at the scales shown."""
    found = []
    for name in declared_tables():
        views = [table_view(name, scale, uses) for scale in shown]
        found.append({"name": name, "group": name.partition("/")[0], "title": heading(name), "views": views})
    return found


def figures(shown: list[str], uses: Uses) -> list[dict[str, Any]]:
    """Every figure at the scales shown; a figure that needs no runs is drawn once."""
    views = []
    for name in FIGURES:
        module = draw.module_of(name)
        here = shown if module.FRAMES else shown[:1]
        drawn = [figure_view(name, scale, uses) for scale in here]
        said = {"title": module.TITLE, "caption": module.CAPTION}
        views.append({"name": name, "group": name.partition("/")[0], "views": drawn} | said)
    return views
