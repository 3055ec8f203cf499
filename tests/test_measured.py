"""Real runs: how long one may be, and what of it is kept."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.config import compose
from benchmarks.errors import UserError, command
from benchmarks.run import execute
from benchmarks.speed import real
from benchmarks.speed.options import parse
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
    fixmatch, meta_t = ([cell.strip() for cell in row.split("|")[1:-1]] for row in page.splitlines()[-2:])
    assert fixmatch[:6] == ["fixmatch", "digits/40", "tiny", "demo", "0", f"{steps:,} ({steps / 400:.2%} of 400)"]
    assert meta_t[:2] == ["meta_t", "digits/40"]


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


# --- programs


def test_options_have_the_types_of_their_defaults():
    assert parse(["rounds=3", "only=a=b"], rounds=5, only="", more=0.5) == (
        {"rounds": 3, "only": "a=b", "more": 0.5},
        [],
    )
    assert parse(["seed=1", "rounds=2"], rest=True, rounds=5) == ({"rounds": 2}, ["seed=1"])


@pytest.mark.parametrize(
    ("argument", "rest", "why"),
    [
        ("round=3", False, 'unknown option "round=3": there are rounds=5'),
        ("rounds", True, 'unknown option "rounds": there are rounds=5'),
        ("rounds=many", True, "rounds=many is not possible: rounds is a number, e.g. 5"),
    ],
)
def test_other_options_are_one_line(argument, rest, why):
    with pytest.raises(UserError) as fault:
        parse([argument], rest=rest, rounds=5)
    assert str(fault.value) == why


def test_a_program_says_what_it_is_and_what_is_wrong(capsys):
    @command
    def main(arguments: list[str]) -> int:
        raise UserError("a fault\n  on two lines")

    assert main(["--help"]) == 0
    assert capsys.readouterr().out == f"{__doc__}\n"
    assert main([]) == 2
    assert capsys.readouterr().err == "error: a fault on two lines\n"
