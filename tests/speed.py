"""How long a large run store takes to read:  make bench-reports [ARGS=5000]

Writes that many finished runs of Meta-T's Table 1, with as many seeds as it takes, into a temporary folder, and times
from the sweep's declaration to the frame with every run's number, as `python -m reports.table` collects it. Each run
has its evaluations, too, which a table without a time axis does not open.
"""

import dataclasses
import json
import os
import sys
import tempfile
import time
from unittest.mock import patch

import yaml

from benchmarks.store.run import Run
from reports.collect.frames import collect
from sweeps.grid import load
from sweeps.sweep import Sweep

LIMIT = 10.0  #: seconds for 5,000 runs


def table(runs: int) -> Sweep:
    """Meta-T's Table 1 with so many seeds that it has `runs` runs at least."""
    sweep = load("meta_t/table1")
    once = len({cell.run.id for cell in dataclasses.replace(sweep, seeds=1).cells("paper")})
    return dataclasses.replace(sweep, seeds=-(-runs // once))


def finish(run: Run) -> None:
    """Its directory, by hand: store.Run flushes every file to the disk, which takes minutes for so many."""
    steps = run.config["steps"]
    scores = {"last": 5.0, "median_last_20": 5.5, "best_on_test": 4.5}
    row = {"seconds": 1.0, "lr": 0.03, "error": 5.0, "top5": 0.1, "balanced": 5.0, "recall": [0.95] * 10}
    run.folder.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(run.config, sort_keys=False))
    (run / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": s} | row) + "\n" for s in range(0, steps, steps // 40))
    )
    (run / "result.json").write_text(
        json.dumps({"report": "last", "error": scores, "seconds": 1.0, "steps": steps, "split": "0" * 16})
    )


def main(runs: int) -> int:
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, SSL_RUNS=folder):
        sweep = table(runs)
        distinct = {cell.run.id: cell.run for cell in sweep.cells("paper")}
        for run in distinct.values():
            finish(run)
        start = time.perf_counter()
        frame = collect(sweep, "paper")
        seconds = time.perf_counter() - start
    assert frame["value"].notna().all()
    print(f"{len(distinct):,} finished runs collected in {seconds:.1f} s (at most {LIMIT * len(distinct) / 5000:.1f})")
    return int(seconds > LIMIT * len(distinct) / 5000)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))
