"""What two runs differ in:  python -m reports.compare RUN RUN

A RUN is an id of the run store, or its beginning, or a run's folder. Says, in this order, what differs in their
configurations, code, data and machines; then their scores, and where their curves part.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from benchmarks.errors import UserError, command
from benchmarks.machine.settings import runs
from benchmarks.store.run import CLOCKS
from reports.collect import read
from reports.table.markdown import aligned

MACHINE = ("commit", "dirty", "device", "threads", "platform", "versions", "settings", "started", "command")
POINTS = 8  #: rows of curves that are shown


class Record:
    """What a run's folder says; whatever of it is missing is empty. Raises UserError where it holds no run."""

    def __init__(self, name: str) -> None:
        self.folder = folder(name)
        self.config: dict[str, Any] = yaml.safe_load((self.folder / "config.yaml").read_text())
        self.environment, self.result = self._json("env.json"), self._json("result.json")
        self.rows: list[dict[str, Any]] = []
        if (path := self.folder / "metrics.jsonl").exists():
            lines = path.read_text(errors="replace").splitlines(keepends=True)
            self.rows = [json.loads(line) for line in lines if line.endswith("\n")]

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return dict(json.loads(path.read_text())) if path.exists() else {}


def folder(name: str) -> Path:
    """The folder of a run. Raises UserError where there is none, or several."""
    if (Path(name) / "config.yaml").exists():
        return Path(name)
    found = sorted(path.parent for path in runs().glob(f"{name}*/config.yaml"))
    if len(found) != 1:
        which = f"{len(found)} runs begin so: write more of it" if found else "no run of that name"
        raise UserError(f"{name}: {which} (in {runs()}; SSL_RUNS names another store)")
    return found[0]


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """a.b.c of every value in nested dictionaries, with the value."""
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, node


def differences(a: Any, b: Any) -> list[list[str]]:
    """key, value of a, value of b, wherever they differ; a dash where one has no such key."""
    left, right = dict(leaves(a)), dict(leaves(b))
    keys = [key for key in dict.fromkeys((*left, *right)) if left.get(key, ...) != right.get(key, ...)]
    return [[key, *_said(left.get(key, "–"), right.get(key, "–"))] for key in keys]


def _said(*values: Any) -> list[str]:
    """Numbers to six digits, unless that hides their difference."""
    short = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
    return short if len(set(short)) > 1 else [str(value) for value in values]


def parting(a: Record, b: Record) -> str:
    """Where their evaluations are no longer the same, but for what clocks say."""
    for one, two in zip_longest(a.rows, b.rows):
        if one is None or two is None:
            return f"The same evaluations up to step {(one or two)['step']:,}, where one ends."
        if gone := [key for key, *_ in differences(one, two) if key not in CLOCKS]:
            return f"They part at step {one['step']:,} at the latest, in {', '.join(gone[:6])}."
    return "Every evaluation is the same, to the last digit."


def curves(a: Record, b: Record) -> list[list[str]]:
    """step, error and loss of both at some steps that both have evaluated."""
    other = {row["step"]: row for row in b.rows}
    pairs = [(row, other[row["step"]]) for row in a.rows if row["step"] in other]
    some = sorted({round(k * (len(pairs) - 1) / (POINTS - 1)) for k in range(POINTS)}) if pairs else []

    def text(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, int | float) else "–"

    return [
        [f"{one['step']:,}", *(text(row.get(key)) for key in ("error", "loss") for row in (one, two))]
        for one, two in (pairs[k] for k in some)
    ]


def scores(record: Record) -> dict[str, Any]:
    found = {key: record.result[key] for key in ("error", "top5", "balanced", "weights") if key in record.result}
    return found | {key: record.result[key] for key in ("steps", "seconds") if key in record.result}


def report(a: Record, b: Record) -> str:
    """The whole comparison as Markdown."""
    names = [a.folder.name, b.folder.name]
    made = ("data", "code", "accepted")
    of_code = [{key: r.environment.get(key) for key in made} | {"split": r.result.get("split")} for r in (a, b)]
    machine = [{key: r.environment[key] for key in MACHINE if key in r.environment} for r in (a, b)]
    parts = [f"# {names[0]} and {names[1]}"]
    for heading, lines in (
        ("Configuration", differences(a.config, b.config)),
        ("Data and code", differences(*of_code)),
        ("Machine", differences(*machine)),
        ("Result", differences(scores(a), scores(b))),
    ):
        parts += [f"## {heading}", "\n".join(aligned(["", *names], lines)) if lines else "The same."]
    parts += ["## Curves", parting(a, b)]
    if lines := curves(a, b):
        parts.append("\n".join(aligned(["step", *(f"{key} {n}" for key in ("error", "loss") for n in names)], lines)))
    return "\n\n".join(parts)


@command
def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        raise UserError("which two runs? e.g. python -m reports.compare 8d28457d9686 712a6c4a2fec")
    try:
        print(report(*map(Record, arguments)))
    except read.BROKEN as error:
        raise UserError(f"cannot read a run: {type(error).__name__} {error}") from error
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
