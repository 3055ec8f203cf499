"""Interpolation consistency training."""

import math

import pytest
import torch
from models import (
    FACTS,
    LABELLED,
    N_CLASSES,
    UNLABELLED,
    batch_of,
    method_of,
    soft_cross_entropy,
    student_of,
)

from methods import functional


def test_ict_s_ramp():
    ramp = functional.ramp_up
    assert [ramp(t, 0.25) for t in (0, 0.125, 0.25, 0.9)] == pytest.approx([math.exp(-5), math.exp(-1.25), 1, 1])
    assert ramp(0, 0) == 1


@pytest.mark.usefixtures("double")
def test_ict_by_hand():
    method, student, batch = method_of("ict", "w_max=3", "beta=0.4"), student_of("tiny"), batch_of("weak")
    method.setup(FACTS, student.net)
    with torch.no_grad():
        for p in student.average.parameters():
            p.mul_(1.3)
    student.step = 5  # of 100: a fifth of the ramp
    reference = student_of("tiny").net
    torch.manual_seed(7)
    draw = torch.distributions.Beta(torch.tensor(0.4), torch.tensor(0.4)).sample
    lam, order = draw(), torch.randperm(LABELLED)
    y = torch.eye(N_CLASSES)[batch.y]
    x, y = (lam * v + (1 - lam) * v[order] for v in (batch.x, y))
    supervised = soft_cross_entropy(reference(x), y).mean()
    (u,) = batch.u
    lam, order = draw(), torch.randperm(UNLABELLED)
    z = student.average(u)
    target = (lam * z + (1 - lam) * z[order]).softmax(-1)  # of mixed logits, not a mixture of predictions
    mse = (reference(lam * u + (1 - lam) * u[order]).softmax(-1) - target).square().sum() / (UNLABELLED * N_CLASSES)
    w = 3 * math.exp(-5 * (1 - 5 / 25) ** 2)

    torch.manual_seed(7)
    step = method.loss(student, batch)
    torch.testing.assert_close(step.log["loss_s"], supervised, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.log["loss_u"], w * mse, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.loss, supervised + w * mse, rtol=1e-12, atol=0)
