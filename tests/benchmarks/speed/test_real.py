"""Real runs: how long one may be."""

import json
from pathlib import Path

import pytest

from benchmarks.errors import UserError
from benchmarks.speed import real
from reports import freeze


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(freeze, "MEASURED", tmp_path / "measured")
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    return tmp_path / "measured"


def test_as_many_steps_as_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    asked = []

    class Trial:
        def rows(self):
            return [{"seconds": 9.0}, {"seconds": 9.0 + 10 * 0.5}]  # the second ten steps took half a second each

    monkeypatch.setattr(real, "execute", lambda cfg: asked.append((cfg.steps, cfg.protocol.eval_every)) or Trial())
    assert real.fitting(["scale=smoke"], 10, 10) == 1000  # 0.9 * 600 s / 0.5 s = 1,080, in hundreds
    assert real.fitting(["scale=smoke"], 0.5, 10) == 54
    assert asked[0] == (20, 10)
    with pytest.raises(UserError, match=r"^no step fits into 0.001 minutes: one takes 0.5 s$"):
        real.fitting(["scale=smoke"], 0.001, 10)


def test_real_runs_and_what_is_kept_of_them(measured, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    smoke = ["scale=smoke", "task=digits", "task.labels=40", "backbone=tiny", "protocol=demo", "protocol.batch=4"]
    assert real.main(["minutes=0.01", "trial=2", "methods=fixmatch,meta_t", *smoke]) == 0
    ids = (tmp_path / "out" / "real.txt").read_text().split()
    assert {path.name for path in (tmp_path / "runs").glob("[!.]*")} == set(ids)  # the trials' are gone
    assert "python -m benchmarks.run task=cifar10 " in capsys.readouterr().out
    assert freeze.main(ids) == 0
    for name in ids:
        kept = {path.name for path in (measured / name).iterdir()}
        assert kept == {"config.yaml", "env.json", "metrics.jsonl", "result.json"}
        assert (measured / name / "result.json").read_text() == (tmp_path / "runs" / name / "result.json").read_text()
    page = (measured / "README.md").read_text()
    steps = json.loads((measured / ids[0] / "result.json").read_text())["steps"]
    rows = ([cell.strip() for cell in row.split("|")[1:-1]] for row in page.splitlines()[-2:])
    fixmatch, meta_t = sorted(rows)  # the page sorts by steps, and how many fit into the time is chance
    share = f"{steps:,} ({steps / 400:.2%} of 400)"
    assert fixmatch[:7] == ["fixmatch", "digits/40", "tiny", "demo", share, "cpu", "0"]
    assert meta_t[:2] == ["meta_t", "digits/40"]
