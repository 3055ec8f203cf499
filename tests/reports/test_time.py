"""Times that can be compared: the processor's where a run had one core, and what is far from its cell is named."""

import json
from pathlib import Path

import pytest
from test_tables import CIFAR10

from reports.collect import frames, read
from reports.table import build
from sweeps.sweep import Budget, Cell, Sweep

SWEEP = Sweep(
    caption="",
    rows={"FixMatch": "method=fixmatch steps=400"},
    columns=dict.fromkeys(("@1h", "@last"), f"{CIFAR10} task.labels=40"),
    demo={"x": "task=digits"},
    budgets={"@1h": Budget(hours=1)},
    seeds=3,
)


def write(cell: Cell, wall: float, cpu: float | None, **environment: object) -> None:
    """A finished run with two evaluations, the first after half of its time."""
    run, clocks = cell.run, {"seconds": wall} | ({} if cpu is None else {"cpu_seconds": cpu, "load": 2.0})
    run.open({"commit": "0" * 40, **environment})
    for share, error in ((0.5, 20.0), (1.0, 10.0)):
        row = {"step": int(400 * share), "error": error} | {name: share * value for name, value in clocks.items()}
        run.append(row)
    scores = {"last": 10.0, "median_last_20": 15.0, "best_on_test": 10.0}
    run.finish({"report": "last", "error": scores, "steps": 400, **clocks})


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    return [cell for cell in SWEEP.cells("paper") if cell.column == "@1h"]


@pytest.mark.parametrize(
    ("cpu", "environment", "seconds"),
    [
        (3000.0, {"device": "cpu", "threads": 1}, 3000),
        (3000.0, {"device": "cpu", "threads": 4}, 9000),
        (3000.0, {"device": "cuda:0", "threads": 1}, 9000),
        (None, {"device": "cpu", "threads": 1}, 9000),
    ],
    ids=["one core", "several threads", "a GPU", "an older run"],
)
def test_which_clock_counts(cpu, environment, seconds, cells):
    write(cells[0], 9000.0, cpu, **environment)
    line = frames.collect(SWEEP, "paper").set_index(["column", "seed"]).loc[("@1h", 0)]
    assert line["seconds"] == seconds
    within = seconds == 3000  # the whole training was within the hour, or nothing of it
    assert (line["time"] == 3000 and line["value"] == 10) if within else line["value"] != line["value"]
    assert read.course(cells[0].run)["seconds"].tolist() == [seconds / 2, seconds]


def test_an_outlier_is_named(cells, monkeypatch):
    monkeypatch.setattr(build, "load", lambda name: SWEEP)
    for cell, wall in zip(cells, (100.0, 110.0, 120.0), strict=True):
        write(cell, wall, None)
    assert not any("outlier" in note for note in build.build("meta_t/table5", "paper").notes)
    text = (cells[2].run / "result.json").read_text()
    (cells[2].run / "result.json").write_text(json.dumps(json.loads(text) | {"seconds": 300.0}))
    (said,) = (note for note in build.build("meta_t/table5", "paper").notes if "outlier" in note)
    assert f"a step of run {cells[2].run.id} took 2.7 times its cell's median" in said
