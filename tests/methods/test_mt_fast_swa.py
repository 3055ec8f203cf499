"""Fast-SWA's learning rate, its average, and the statistics that are gathered for it."""

import copy
import math
from itertools import repeat
from typing import Any

import numpy as np
import pytest
import torch
from toy import FACTS, batch_of, same, statistics, student_of

from methods.mt_fast_swa import MeanTeacherFastSWA

NUMBERS: dict[str, Any] = {"first": 0.3, "anneal": 0.4, "cycle": 0.1, "every": 0.05, "batches": 3}


def made(**numbers: Any) -> tuple[MeanTeacherFastSWA, Any]:
    student = student_of(done=0, steps=100)
    m = MeanTeacherFastSWA(**NUMBERS | {"w_max": 1.0, "ramp": 0.0} | numbers)
    m.setup(FACTS, student.net)
    return m, student


def test_the_learning_rate_falls_and_then_goes_round():
    m, _ = made()
    steps = [m.rate(k / 100) for k in range(100)]
    assert steps[0] == 1
    for k in range(30):
        assert steps[k] == pytest.approx((1 + math.cos(math.pi * k / 40)) / 2)
    for k in range(30, 100):  # the last cycle before `first` again and again
        assert steps[k] == pytest.approx(steps[20 + k % 10], abs=1e-6)


def test_several_collections_a_cycle():
    m, _ = made()
    due = [m.due(k / 100) for k in range(100)]
    turns = [k for k in range(100) if due[k] > (due[k - 1] if k else 0)]
    assert turns == list(range(20, 100, 5))


def test_the_average_is_the_mean_of_the_collected_weights():
    m, student = made()
    collected = []
    for k in range(60):
        before = [p.detach().double().numpy().copy() for p in student.net.parameters()]
        if k in range(20, 60, 5):
            collected.append(before)
        student.take(m, batch_of(2, seed=k))
        if k < 20:
            assert m.n == 0 and m.graded(student, iter(())) is student.average
    assert m.n == len(collected) == 8
    assert max(np.abs(a - b).max() for a, b in zip(collected[0], collected[-1], strict=True)) > 1e-3
    for mean, values in zip(m.swa.parameters(), zip(*collected, strict=True), strict=True):
        assert np.allclose(mean.numpy(), np.mean(values, 0), atol=1e-6)


def test_graded_is_the_average_with_statistics_of_the_fresh_batches():
    m, student = made(first=0.1, cycle=0.1)
    for k in range(12):
        student.take(m, batch_of(2, seed=k))
    before = [*statistics(m.swa), *statistics(student.net), *(p.clone() for p in m.swa.parameters())]
    batches = [batch_of(2, seed=100 + k) for k in range(3)]
    net = m.graded(student, iter(batches * 2))  # the others are not asked for
    assert not any(part.training for part in net.modules())
    assert same(list(net.parameters()), list(m.swa.parameters()))
    with torch.no_grad():
        rows = [net.features[1](torch.cat([b.x, b.u[0]]).flatten(1)).double().numpy() for b in batches]
    assert np.allclose(net.features[2].running_mean.numpy(), np.mean([r.mean(0) for r in rows], 0), atol=1e-6)
    assert np.allclose(net.features[2].running_var.numpy(), np.mean([r.var(0, ddof=1) for r in rows], 0), atol=1e-6)
    assert same(before, [*statistics(m.swa), *statistics(student.net), *m.swa.parameters()])


def test_fit_is_one_stage_under_the_cyclical_rate():
    m, student = made()
    asked = []

    class Trainer:
        def train(self, *args: Any, **options: Any) -> Any:
            asked.append((args, options))
            return student

    assert m.fit(Trainer(), student.net) is student
    assert asked == [((m, student.net), {"schedule": m.rate})]


def test_the_average_is_the_method_s_own_and_is_saved_with_it():
    m, student = made(first=0.1, cycle=0.1)
    for k in range(7):
        student.take(m, batch_of(2, seed=k))
    other, _ = made(first=0.1, cycle=0.1)
    other.load_state_dict(copy.deepcopy(m.state_dict()))
    assert other.n == m.n == 2
    a, b = (x.graded(student, repeat(batch_of(2))) for x in (m, other))
    assert same(list(a.parameters()), list(b.parameters()))
    assert not any(p.requires_grad for p in m.parameters())
