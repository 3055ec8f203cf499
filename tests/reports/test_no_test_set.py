"""A run whose data has no test set is done, and has no number."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.config import compose, resolve
from benchmarks.run import execute
from reports.collect import read
from reports.page.build import environment
from reports.page.run import render
from sweeps import examine
from sweeps.sweep import Cell


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=np.arange(40) % 2)
    overrides = ("scale=smoke", "task=npz", "task.name=own", "task.labels=4", "task.subset=null", "task.validation=6")
    return Cell("FixMatch", "own", 0, overrides, resolve(overrides))


def test_status_tables_and_page_take_it(cell: Cell) -> None:
    cell.run.make()
    cell.run.append({"step": 2, "seconds": 1.0, "error": None})
    assert examine._progress(cell) == "step 2 of 4 (50%), 1 s left, no test set"
    execute(compose(cell.overrides))
    found = read.result(cell.run)
    assert isinstance(found, dict) and found["error"]["last"] is None
    assert math.isnan(read.reported(found, "error")) and math.isnan(read.reported(found, "accuracy"))
    assert read.course(cell.run)["error"].isna().all()
    said = json.loads((cell.run / "env.json").read_text())
    page = render(environment(), [("meta_t/table1", cell)], said, read.rows(cell.run))
    assert "validation" in page and "cannot be read" not in page
