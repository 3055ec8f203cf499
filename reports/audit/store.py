"""What the run store holds: is each run whole, and does its result follow from its evaluations?"""

import statistics
from collections import Counter
from collections.abc import Iterator

from benchmarks.machine.settings import runs
from benchmarks.store.run import Run, configuration
from reports.collect import read

SCORES = ("error", "top5", "balanced", "validation")
TOLERANCE = 1e-9  #: percentage points


def audit() -> tuple[str, list[str]]:
    """A line that counts runs, and a line for each that is broken or contradicts itself."""
    counts: Counter[str] = Counter()
    found = [f"no run: {path}" for path in read.strays()]
    for path in sorted(runs().glob("*/config.yaml")):
        if path.parent.name.startswith("."):
            continue
        faults = list(_faults(path.parent.name))
        state = "broken" if faults else "whole" if (path.parent / "result.json").exists() else "unfinished"
        counts[state] += 1
        found += faults
    said = ", ".join(f"{counts[state]} {state}" for state in ("whole", "unfinished", "broken"))
    return f"{counts.total()} runs in {runs()}: {said}", found


def _faults(name: str) -> Iterator[str]:
    path = runs() / name / "config.yaml"
    try:
        run = Run(configuration(path.parent))
        if run.id != name:
            raise ValueError(f"is the configuration of run {run.id}")
        if not run.done:
            return
        path = run / "result.json"
        result = read.result(run)
        if isinstance(result, str):
            yield result
            return
        path = run / "metrics.jsonl"
        rows = read.rows(run)
        for score in SCORES:
            if score in result:
                values = [read.number(row[score], 100) for row in rows]
                expected = {
                    "last": values[-1],
                    "median_last_20": statistics.median(values[-20:]),
                    "best_on_test": min(values),
                }
                for which, value in expected.items():
                    if abs(result[score][which] - value) > TOLERANCE:
                        yield f"{run / 'result.json'}: {score}.{which} is {result[score][which]}, its rows give {value}"
        path = run / "pseudo.csv.gz"
        read.final_pass(run)
    except read.BROKEN as error:
        yield read.fault(path, error)
