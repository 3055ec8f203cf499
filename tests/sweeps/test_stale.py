"""Finished runs whose code or data have changed: named in status, left out or marked in tables, made anew if asked."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import provenance
from benchmarks.config import compose
from benchmarks.run import execute
from reports.collect.frames import collect
from reports.page.run import facts
from reports.table import build
from sweeps import asked, launch, status
from sweeps.sweep import Cell, Sweep

COLUMN = {"own": "task=digits task.name=own backbone=tiny steps=4 protocol.eval_every=2"}
SWEEP = Sweep(caption="Own", rows={"FixMatch": "method=fixmatch"}, columns=COLUMN, demo=COLUMN, seeds=1)


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A finished run on a data set of its own."""
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    write(tmp_path, 0)
    monkeypatch.setattr(asked, "load", lambda name: SWEEP)
    (cell,) = SWEEP.cells("smoke")
    assert execute(compose(cell.overrides)).done
    return cell


def write(folder: Path, shift: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), dtype=np.uint8)
    y = (np.arange(400) + shift) % 10
    np.savez(folder / "own.npz", x_train=x, y_train=y, x_test=x[:100], y_test=y[:100])


def of_other_code(cell: Cell) -> None:
    cell.run.remember(code=provenance.code(cell.run.config) | {"methods.fixmatch": "0" * 12})


WHY = "made by other code (methods.fixmatch)"
LAUNCH = ["a/b", "scale=smoke", "launcher=debug"]


def test_status_counts_what_is_stale(cell, capsys):
    of_other_code(cell)
    assert status.main(["a/b", "scale=smoke"]) == 0
    out = capsys.readouterr().out
    assert f"stale: 1 runs, {WHY}. SSL_STALE=anew runs them again" in out
    assert out.splitlines()[3].split() == ["FixMatch", "own", "·", "1", "·", "·", "·", "·"]


def test_launch_names_accepts_or_makes_anew(cell, capsys, monkeypatch):
    of_other_code(cell)
    before = (cell.run / "env.json").read_bytes()
    assert launch.main(LAUNCH) == 0
    out = capsys.readouterr().out
    assert "1 of 1 runs done, 0 to go" in out and f"stale: 1 runs, {WHY}. SSL_STALE=anew" in out
    for choice in ("anew", "accept"):
        monkeypatch.setenv("SSL_STALE", choice)
        assert launch.main([*LAUNCH, "--dry-run"]) == 0  # says so, and changes nothing
        assert (cell.run / "env.json").read_bytes() == before
    assert launch.main(LAUNCH) == 0
    assert f"{WHY}: accepted" in capsys.readouterr().out and not provenance.stale(cell.run)
    assert launch.main(LAUNCH) == 0
    assert "stale" not in capsys.readouterr().out

    (cell.run / "env.json").write_bytes(before)
    monkeypatch.setenv("SSL_STALE", "anew")
    assert launch.main(LAUNCH) == 0
    assert "0 of 1 runs done, 1 to go" in capsys.readouterr().out
    assert cell.run.done and not provenance.stale(cell.run)
    (kept,) = (cell.run.folder.parent / ".stale").iterdir()
    assert (kept / "env.json").read_bytes() == before


def test_other_data_are_never_accepted(cell, tmp_path, capsys, monkeypatch):
    write(tmp_path, 1)
    monkeypatch.setenv("SSL_STALE", "accept")
    assert launch.main(LAUNCH) == 0
    assert "stale: 1 runs, the data set own has changed. SSL_STALE=anew" in capsys.readouterr().out
    assert provenance.stale(cell.run)


def test_a_table_marks_other_code_and_leaves_out_other_data(cell, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "load", lambda name: SWEEP)
    assert set(collect(SWEEP, "smoke")["stale"]) == {""}
    value = collect(SWEEP, "smoke")["value"].item()
    of_other_code(cell)
    text = build.build("a/b", "smoke").markdown()
    assert re.search(rf"{value:.2f}\S*‖", text) and "‖ made by other code than is here now: FixMatch" in text
    assert f"Stale: 1 runs, {WHY}. SSL_STALE=anew" in text
    write(tmp_path, 1)
    text = build.build("a/b", "smoke").markdown()
    assert "outdated" in text and "Stale: 1 runs, the data set own has changed" in text
    assert f"{value:.2f}" not in text


def test_the_page_of_a_run_says_it(cell):
    of_other_code(cell)
    environment = json.loads((cell.run / "env.json").read_text())
    assert facts(cell, environment, {})["stale"].startswith(WHY)
