"""What is kept of real runs."""

import json
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
    assert "/home" not in text


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
