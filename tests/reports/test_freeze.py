"""What is kept of real runs."""

import json
import platform
import shutil
from pathlib import Path

import pytest

from benchmarks.config import compose
from benchmarks.run import execute
from reports import freeze


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(freeze, "MEASURED", tmp_path / "measured")
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    return tmp_path / "measured"


def test_what_is_kept_names_no_path_of_the_machine(measured, monkeypatch):
    monkeypatch.setattr(
        "sys.argv", ["/home/someone/benchmarks/suite/benchmarks/run.py", "scale=smoke", "task.labels=40"]
    )
    run = execute(compose(["scale=smoke", "task.labels=40"]))
    assert freeze.main([run.id]) == freeze.main([run.id]) == 0  # twice is once
    text = (measured / run.id / "env.json").read_text()
    assert json.loads(text)["command"] == "python -m benchmarks.run scale=smoke task.labels=40"
    assert "/home" not in text and platform.release() not in text


def test_seeds_share_a_line_and_departures_are_named(measured):
    common = ["scale=smoke", "method=fixmatch", "method.tau=0.5", "task.labels=40"]
    runs = [execute(compose([*common, f"seed={seed}"])) for seed in (0, 1)]
    execute(compose(["scale=smoke", "method=fixmatch", "task.labels=40"]))
    assert freeze.main(["into=few", runs[0].id]) == 0
    assert freeze.main(["into=few", "all"]) == 0
    kept = {path.parent.name for path in (measured / "few").glob("*/result.json")}
    assert kept == {path.parent.name for path in runs[0].folder.parent.glob("*/result.json")} and len(kept) == 3
    lines = [line for line in (measured / "few/README.md").read_text().splitlines() if line.startswith("| fixmatch")]
    plain, half = sorted(lines, key=lambda line: "tau" in line)
    assert "tau" not in plain and "fixmatch, tau=0.5 " in half and "| 0; 1 " in half
    assert all(f"[{run.id}]({run.id})" in half for run in runs)


def test_only_finished_runs_are_kept(measured, tmp_path, capsys):
    assert freeze.main(["0123456789ab"]) == 2
    assert "0123456789ab holds no finished run: set SSL_RUNS" in capsys.readouterr().err
    assert freeze.main([]) == 2
    assert capsys.readouterr().err.startswith("error: which runs? ")
    assert not measured.exists()


def test_the_kept_runs_are_listed_as_they_are(tmp_path):
    """What the repository holds now: the page is the one that `make freeze` would write."""
    kept = Path(freeze.__file__).parent / "measured"
    if not kept.exists():
        pytest.skip("no run is kept yet")
    shutil.copytree(kept, tmp_path / "measured")
    assert freeze.listing(tmp_path / "measured") == (kept / "README.md").read_text(encoding="utf-8")
