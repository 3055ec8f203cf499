"""Learning rates over the training."""

import math
from collections.abc import Callable
from functools import partial

import pytest
from students import student

from benchmarks.assemble import make
from benchmarks.config import compose
from benchmarks.errors import UserError
from benchmarks.training import schedules
from benchmarks.training.schedules import constant


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (partial(schedules.cosine, cycles=7 / 32), {0: 1, 0.5: 0.773010453, 1: 0.195090322}),  # cos 39.375, 78.75 deg.
        (schedules.annealing, {0: 1, 0.25: (2 + math.sqrt(2)) / 4, 0.5: 0.5, 1: 0}),
        (partial(schedules.annealing, floor=0.1), {0: 1, 0.5: 0.55, 1: 0.1}),
        (
            partial(schedules.multistep, milestones=[1 / 3, 2 / 3], gamma=0.1),
            {0: 1, 0.33: 1, 0.34: 0.1, 0.66: 0.1, 0.67: 0.01, 1: 0.01},
        ),
        (
            partial(schedules.stepwise, milestones=[0.25, 0.5], factors=[1.0, 0.5, 0.1]),
            {0: 1, 0.2: 1, 0.25: 0.5, 0.49: 0.5, 0.5: 0.1, 1: 0.1},
        ),
        (constant, {0: 1, 0.5: 1, 1: 1}),
    ],
)  # fmt: skip
def test_schedules(schedule: Callable[[float], float], expected: dict[float, float]) -> None:
    for progress, factor in expected.items():
        assert schedule(progress) == pytest.approx(factor, abs=1e-9), progress


def test_factors_that_do_not_fit_their_milestones_are_refused_at_once() -> None:
    with pytest.raises(UserError, match=r"^2 milestones need 3 factors, got 2$"):
        schedules.stepwise(0.0, milestones=[0.25, 0.5], factors=[1.0, 0.5])


@pytest.mark.parametrize(
    ("protocol", "step", "lr"),
    [
        ("fixmatch", 2**19, 0.03 * math.cos(7 * math.pi / 32)),  # half of 2^20 steps
        ("meta_t", 102_399, 0.03),  # epoch 100 of 300 begins after 102,400 steps
        ("meta_t", 102_400, 0.003),
        ("meta_t", 204_799, 0.003),
        ("meta_t", 204_800, 0.0003),
        ("meta_semi", 200_000, 0.05),  # of 400,000: 600 passes over 50,000 images by 75
        ("mixmatch", 1_000_000, 0.002),
    ],
)
def test_protocols_learning_rates(protocol: str, step: int, lr: float) -> None:
    cfg = compose([f"protocol={protocol}", "scale=paper"])
    s = student(optimizer=make(cfg.protocol.optimizer), schedule=make(cfg.protocol.schedule), steps=cfg.steps)
    s.step = step
    assert s.lr == pytest.approx(lr, rel=1e-6)
