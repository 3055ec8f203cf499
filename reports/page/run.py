"""A page about one run: where its number stands, how to repeat it, what it ran on, how it learned."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from benchmarks.provenance import stale
from benchmarks.store.run import Run
from reports.collect import read
from reports.freeze import typed
from reports.page.charts import CHARTS, HEIGHT, WIDTH, bars, chart
from reports.page.words import place
from sweeps.stale import REMEDY
from sweeps.sweep import Cell

KINDS = ("last", "median_last_20", "best_on_test")
Use = tuple[str, Cell]  #: a table or figure, and its cell; an empty name where none shows the run


def facts(cell: Cell, environment: dict[str, Any], result: dict[str, Any]) -> dict[str, str]:
    """What a reader asks first about a run."""
    commit = environment.get("commit") or "not in a git checkout"
    versions = environment.get("versions", {})
    task = cell.config["task"]
    why = stale(cell.run)
    return ({"stale": f"{why}. {REMEDY}"} if why else {}) | {
        "method": cell.config["method"]["name"],
        "task": f"{task['name']}, {task['labels']} labels, split {result.get('split', '?')}",
        "network": cell.config["backbone"]["name"],
        "protocol": f"{cell.config['protocol']['name']}, scale={cell.config['scale']}, seed {cell.seed}",
        "steps": f"{result['steps']:,} in {result['seconds']:,.1f} s of training" if result else how(cell.run),
        "reported": str(result.get("report", cell.config["protocol"]["report"])).replace("_", " "),
        "commit": commit + (", and uncommitted changes" if environment.get("dirty") else ""),
        "device": f"{environment.get('device', '?')}, threads: {environment.get('threads', '?')}",
        "software": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "started": str(environment.get("started", "?")),
    }


def how(run: Run) -> str:
    """How far a run is that has no result, and why it failed, if it did."""
    rows = run.rows()
    done = f"{rows[-1]['step'] if rows else 0:,} of {run.config['steps']:,}, not finished"
    with suppress(OSError, IndexError):
        done += f": {(run / 'error.txt').read_text(errors='replace').strip().splitlines()[-1]}"
    return done


def scores(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each metric at the last evaluation, as the median of the last 20, and best on test, which is never reported."""
    found = []
    for name, value in result.items():
        with suppress(*read.BROKEN):  # no metric
            found.append({"name": name} | {kind: read.number(value[kind], 100) for kind in KINDS})
    return found


def write(templates: Environment, uses: Sequence[Use], folder: Path) -> Path:
    """folder/<id>.html. What is broken in the run's folder is named there and left out."""
    run = uses[0][1].run
    try:
        rows = read.rows(run) if run.done else run.rows()
        page = render(templates, uses, json.loads((run / "env.json").read_text()), rows)
    except read.BROKEN as error:
        page = render(templates, uses, {}, [], read.fault(run.folder, error))
    path = folder / f"{run.id}.html"
    path.write_text(page, encoding="utf-8")
    return path


def render(
    templates: Environment, uses: Sequence[Use], environment: dict[str, Any], rows: Sequence[dict[str, Any]],
    fault: str = "",
) -> str:  # fmt: skip
    """The page's text. Raises one of read.BROKEN where environment or rows are not what they should be."""
    cell = uses[0][1]
    found = read.result(cell.run)
    result = found if isinstance(found, dict) else {}
    return templates.get_template("run.html").render(
        cell=cell,
        command=cell.command if cell.overrides else typed(environment.get("command") or ["?"]),
        uses=[(name, place(name), use) for name, use in uses if name],
        facts=facts(cell, environment, result) | ({"cannot be read": fault} if fault else {}),
        scores=scores(result),
        charts=[drawn for spec in CHARTS if (drawn := chart(rows, *spec))],
        bars=bars(rows[-1].get("recall") or []) if rows else [],
        config=yaml.safe_dump(cell.run.config, sort_keys=False, allow_unicode=True),
        width=WIDTH,
        height=HEIGHT,
    )
