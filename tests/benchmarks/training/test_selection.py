"""A validation set chooses the evaluation that counts, and its network is what the run leaves."""

import json
from pathlib import Path

import pytest
import torch
from outcomes import outcome, stopped

from benchmarks.config import compose
from benchmarks.data import sources
from benchmarks.errors import UserError
from benchmarks.predict import load
from benchmarks.run import execute
from benchmarks.training.selection import NAME

#: a learning rate at which the last evaluation is not the best
BUMPY = [
    *("scale=smoke", "task.subset=null", "task.validation=40", "steps=12", "protocol.eval_every=1"),
    *("protocol.report=best_on_validation", "protocol.optimizer.lr=2", "protocol.average=0"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    return tmp_path


def test_the_best_on_validation_is_reported_and_kept() -> None:
    run = execute(compose(BUMPY))
    rows, result = run.rows(), json.loads((run / "result.json").read_text())
    best = min(rows, key=lambda row: row["validation"])  # the earliest of equals
    assert best["validation"] < rows[-1]["validation"]
    assert result["report"] == "best_on_validation"
    assert result["error"]["best_on_validation"] == best["error"]
    assert result["validation"]["best_on_validation"] == best["validation"]
    assert result["recall"] == best["recall"]
    data = sources.load("digits")
    p = load(run.id)(torch.from_numpy(data.x_test).permute(0, 3, 1, 2))
    assert 100 * (p.argmax(1).numpy() != data.y_test).mean() == pytest.approx(best["error"])
    assert not list(run.folder.glob("*.pt"))


@pytest.mark.parametrize("after", [3, 11])
def test_a_stopped_run_still_has_it(after: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = execute(compose(BUMPY))
    monkeypatch.setenv("SSL_RUNS", str(folder / "stopped"))
    begun = stopped(compose(BUMPY), after)
    assert (begun / NAME).exists()
    again = execute(compose(BUMPY))
    assert outcome(again) == outcome(whole)
    mine, theirs = (load(run.folder).state_dict() for run in (again, whole))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_an_earlier_attempts_network_does_not_count() -> None:
    begun = stopped(compose(BUMPY), 3)
    kept = torch.load(begun / NAME, weights_only=True)
    kept["row"]["validation"] = -1.0
    torch.save(kept, begun / NAME)
    for path in begun.folder.glob("checkpoint*.pt"):
        path.unlink()
    run = execute(compose(BUMPY))
    assert json.loads((run / "result.json").read_text())["validation"]["best_on_validation"] >= 0


def test_it_needs_a_validation_set() -> None:
    with pytest.raises(UserError, match=r"^protocol\.report=best_on_validation needs a validation set: say task\.val"):
        execute(compose([*BUMPY, "task.validation=0"]))
