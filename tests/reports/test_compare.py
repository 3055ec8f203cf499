"""Two runs side by side: what differs is said, and nothing else; what is no run is one line."""

import json
from pathlib import Path

import pytest

from benchmarks.config import resolve
from benchmarks.store.run import Run
from reports import compare


def made(seed: int, errors: list[float], **environment: str) -> Run:
    run = Run(resolve([f"seed={seed}"]))
    run.open({"commit": "c0ffee", "device": "cpu", "data": "d1", "code": {"methods.fixmatch": "aa"}} | environment)
    for k, error in enumerate(errors, start=1):
        run.append({"step": 100 * k, "seconds": 1.5 * k + seed, "error": error, "loss": 1.0})
    last = {"last": errors[-1], "median_last_20": errors[-1], "best_on_test": min(errors)}
    run.finish({"error": last, "steps": 100 * len(errors), "seconds": 3.0, "split": f"s{seed}", "weights": "w"})
    return run


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))


def test_what_differs_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = made(0, [50.0, 9.0, 8.0]), made(1, [50.0, 9.5, 7.0], code={"methods.fixmatch": "bb"})  # type: ignore[arg-type]
    assert compare.main([a.id[:8], str(b.folder)]) == 0
    parts = {part.partition("\n")[0]: part for part in capsys.readouterr().out.split("## ")[1:]}
    lines = {name: [line.split("|")[1].strip() for line in part.splitlines()[4:] if "|" in line]
             for name, part in parts.items()}  # fmt: skip
    assert lines["Configuration"] == ["seed"]
    assert lines["Data and code"] == ["code.methods.fixmatch", "split"]
    assert parts["Machine"].splitlines()[2] == "The same."
    assert lines["Result"] == ["error.last", "error.median_last_20", "error.best_on_test"]
    assert "They part at step 200 at the latest, in error." in parts["Curves"]
    assert "| 200  | 9.000" in parts["Curves"]


def test_runs_that_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    run = made(0, [50.0, 9.0])
    assert compare.main([run.id, run.id]) == 0
    out = capsys.readouterr().out
    assert out.count("The same.") == 4 and "Every evaluation is the same" in out
    assert compare.differences({"a": 0.1}, {"a": 0.1 + 1e-9}) == [["a", "0.1", "0.100000001"]]


def test_one_that_ended_early() -> None:
    a, b = (compare.Record(made(seed, errors).id) for seed, errors in ((0, [50.0]), (1, [50.0, 9.0])))
    assert compare.parting(a, b) == "The same evaluations up to step 200, where one ends."


@pytest.mark.parametrize(("arguments", "said"), [(["x"], "which two runs?"), (["x", "y"], "no run of that name")])
def test_refusals(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_broken_run_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    run = made(0, [50.0])
    (run / "result.json").write_text("{")
    assert compare.main([run.id, run.id]) == 2
    assert capsys.readouterr().err.startswith("error: cannot read a run: JSONDecodeError")
    assert json.loads((run / "env.json").read_text())
