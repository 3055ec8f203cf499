"""The meter, against hand computations."""

import copy
import math

import pytest
import torch

from benchmarks.training.meter import Meter
from methods.base import Pseudo, Step


def pseudo(label: list[int], threshold: list[float], selected: list[int]) -> Pseudo:
    confidence = torch.full((len(label),), 0.5)
    return Pseudo(torch.tensor(label), confidence, torch.tensor(threshold), torch.tensor(selected).bool())


def metered(*steps: tuple[Step, list[int]]) -> Meter:
    meter = Meter(4, torch.device("cpu"))
    for index, (step, hidden) in enumerate(steps):
        meter.add(index, step, torch.tensor(hidden, dtype=torch.int64))
    return meter


ONE = torch.ones(())


def test_the_meter_by_hand() -> None:
    first = Step(ONE, {"loss_u": ONE * 2, "rare": ONE * 7}, pseudo([0, 0, 1, 2], [0.2, 0.4, 0.9, 0.1], [1, 1, 1, 0]))
    second = Step(ONE, {"loss_u": ONE * 4}, pseudo([0, 1, 1, 2], [0.6, 0.7, 0.8, 0.3], [0, 1, 1, 1]))
    meter = metered((first, [0, 1, -1, 2]), (second, [0, 1, 2, -1]))
    found = meter.flush()
    assert found == pytest.approx(
        {
            "loss_u": 3,
            "rare": 7,  # a mean over the steps that logged it
            "correct": (1 + 1) / 8,
            "wrong": (1 + 1) / 8,
            "right": (2 + 2) / 8,
            "selected": (3 + 3) / 8,  # also those of which nobody knows the class
            "threshold": ((0.2 + 0.4 + 0.6) / 3 + (0.9 + 0.7 + 0.8) / 3 + (0.1 + 0.3) / 2) / 3,  # nothing of class 3
        }
    )
    assert meter.flush() == {}  # since the last flush


def test_the_meter_without_thresholds_and_without_pseudo_labels() -> None:
    nan = [math.nan] * 2
    assert metered((Step(ONE, {}, pseudo([0, 3], nan, [1, 1])), [0, 0])).flush() == pytest.approx(
        {"correct": 0.5, "wrong": 0.5, "right": 0.5, "selected": 1}
    )
    assert metered((Step(ONE, {"loss_s": ONE}), [])).flush() == {"loss_s": 1}


def test_the_meter_keeps_no_graph() -> None:
    w = torch.ones((), requires_grad=True)
    meter = metered((Step(w * 2, {"loss_u": w * 2}, pseudo([0], [0.5], [1])), [0]))
    assert not any(t.requires_grad for t in meter.sums.values())


def test_the_meter_names_the_first_bad_step() -> None:
    losses = [1, math.inf, 2, math.nan]
    assert metered(*((Step(ONE * v), []) for v in losses)).bad_step == 1
    assert metered(*((Step(ONE * v), []) for v in losses[:1])).bad_step == -1


def test_a_saved_meter_goes_on_as_if_never_stopped() -> None:
    step = Step(ONE, {"loss_u": ONE * 2}, pseudo([0, 1], [0.2, 0.4], [1, 0]))
    whole = metered(*[(step, [0, 0])] * 3)
    first, second = metered(*[(step, [0, 0])] * 2), metered()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.add(2, step, torch.tensor([0, 0]))
    assert second.flush() == whole.flush()
