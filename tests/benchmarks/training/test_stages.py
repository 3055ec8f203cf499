"""Stages of `Method.fit`."""

import pytest
from outcomes import outcome, stopped

from benchmarks.config import compose
from benchmarks.run import execute
from methods.fixmatch import FixMatch

pytestmark = pytest.mark.usefixtures("store")
SMALL = ("scale=smoke", "steps=6", "protocol.eval_every=2")


@pytest.fixture
def cfg():
    return compose(SMALL)


@pytest.fixture
def reference(cfg, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path / "peace"))
        return outcome(execute(cfg))


class TwoStages(FixMatch):
    trained: list[int] = []  # noqa: RUF012

    def fit(self, trainer, net):
        first = trainer.train(self, net, share=0.5)
        self.trained.append(first.step)
        return trainer.train(self, first.net, share=0.5)


def test_a_finished_stage_is_loaded_and_not_run_again(tmp_path, monkeypatch):
    cfg = compose([*SMALL, f"method._target_={__name__}.TwoStages"])
    with monkeypatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path / "peace"))
        reference = outcome(execute(cfg))
    assert [row["step"] for row in reference[0]] == [2, 4, 6, 8, 10, 12]
    run = stopped(cfg, 9)
    assert (run / "checkpoint.stage1.pt").exists()
    rows = []
    assert outcome(execute(cfg, rows.append)) == reference
    assert [row["step"] for row in rows] == [10, 12]
