"""A loss that is not finite ends a run; nothing is lost."""

import math
from typing import Any

import pytest

from benchmarks.config import compose, plain
from benchmarks.errors import UserError
from benchmarks.run import execute
from benchmarks.store.run import Run
from methods.base import Step
from methods.fixmatch import FixMatch


@pytest.mark.parametrize(
    ("seconds", "kept"), [("0", "the last good checkpoint is step 4"), ("300", "no checkpoint yet")]
)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(seconds: str, kept: str, bad: float, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    monkeypatch.setenv("SSL_CHECKPOINT", seconds)
    cfg = compose(["scale=smoke", "steps=8"])
    good = FixMatch.loss

    def loss(self: FixMatch, student: Any, batch: Any) -> Step:
        step = good(self, student, batch)
        return step._replace(loss=step.loss * bad) if student.step == 5 else step

    monkeypatch.setattr(FixMatch, "loss", loss)
    run = Run(plain(cfg))
    with pytest.raises(UserError) as refused:
        execute(cfg)
    message = str(refused.value)
    assert run.id in message and "not finite at step 5 " in message and kept in message and "\n" not in message
    assert not run.done
    assert [row["step"] for row in run.rows()] == [2, 4]

    monkeypatch.setattr(FixMatch, "loss", good)  # the same command goes on from there
    steps: list[int] = []
    assert execute(cfg, lambda row: steps.append(row["step"])).done
    assert steps == ([6, 8] if seconds == "0" else [2, 4, 6, 8])
