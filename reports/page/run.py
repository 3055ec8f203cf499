"""A page about one run: where its number stands, how to repeat it, what it ran on, how it learned."""

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from benchmarks.provenance import stale
from reports.collect import read
from sweeps.stale import REMEDY
from sweeps.sweep import Cell

WIDTH, HEIGHT, POINTS = 640.0, 200.0, 300
CHARTS = (
    ("Test error (%)", {"error": "error"}, 1.0),
    ("Selected pseudo-labels (% of the unlabelled inputs seen)", {"correct": "correct", "wrong": "wrong"}, 100.0),
    ("Class-average threshold", {"threshold": "τ"}, 1.0),
    ("Gradient-norm ratio (Assumption 1)", {"ratio": "ratio"}, 1.0),
)
KINDS = ("last", "median_last_20", "best_on_test")
Use = tuple[str, Cell]  #: a table or figure, and its cell


def ceiling(value: float) -> float:
    """The least of 1, 2, 5, 10, ... times a power of ten that is no smaller: 73 -> 100."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def chart(rows: Sequence[dict[str, Any]], title: str, series: dict[str, str], factor: float) -> dict[str, Any] | None:
    """What the template draws as SVG: points "x,y x,y ..." in a box of WIDTH x HEIGHT; None without such numbers."""
    rows = rows[:: -math.ceil(len(rows) / POINTS) or -1][::-1]  # thinned from the end, so that the last one stays
    found = {
        name: [(row["step"], factor * row[key]) for row in rows if row.get(key) is not None]
        for key, name in series.items()
    }
    if not any(found.values()):
        return None
    last = max(step for points in found.values() for step, _ in points)
    top = ceiling(max(value for points in found.values() for _, value in points))
    lines = {
        name: " ".join(f"{WIDTH * step / last:.1f},{HEIGHT * (1 - value / top):.1f}" for step, value in points)
        for name, points in found.items()
        if points
    }
    return {"title": title, "top": f"{top:g}", "half": f"{top / 2:g}", "last": f"{last:,}", "lines": lines}


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
        "steps": f"{result.get('steps', 0):,} in {result.get('seconds', float('nan')):,.1f} s of training",
        "reported": str(result.get("report", "?")).replace("_", " "),
        "commit": commit + (", and uncommitted changes" if environment.get("dirty") else ""),
        "device": f"{environment.get('device', '?')}, threads: {environment.get('threads', '?')}",
        "software": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "started": str(environment.get("started", "?")),
    }


def scores(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each metric at the last evaluation, as the median of the last 20, and best on test, which is never reported."""
    found = []
    for name, value in result.items():
        with suppress(*read.BROKEN):  # no metric
            found.append({"name": name} | {kind: read.number(value[kind], 100) for kind in KINDS})
    return found


def write(templates: Environment, uses: Sequence[Use], folder: Path) -> Path:
    """folder/<id>.html. What is broken beside a sound result.json is named there and left out."""
    run = uses[0][1].run
    try:
        page = render(templates, uses, json.loads((run / "env.json").read_text()), read.rows(run))
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
        uses=uses,
        facts=facts(cell, environment, result) | ({"cannot be read": fault} if fault else {}),
        scores=scores(result),
        charts=[drawn for spec in CHARTS if (drawn := chart(rows, *spec))],
        config=yaml.safe_dump(cell.run.config, sort_keys=False, allow_unicode=True),
        width=WIDTH,
        height=HEIGHT,
    )
