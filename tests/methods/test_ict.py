"""Interpolation consistency training."""

import copy
import math
from functools import partial

import pytest
import torch
from models import (
    FACTS,
    LABELLED,
    N_CLASSES,
    NETS,
    UNLABELLED,
    batch_of,
    method_of,
    soft_cross_entropy,
    student_of,
)

from benchmarks.training.schedules import annealing
from benchmarks.training.student import Student
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


@pytest.mark.usefixtures("double")
def test_whole_steps_of_ict_by_hand():
    """As ICT's main.py: all is decayed, and the average in training mode labels, with running statistics of its own."""
    method, net = method_of("ict", "w_max=3", "beta=0.4"), NETS["tiny"](in_channels=2, n_classes=N_CLASSES)
    ours, average = copy.deepcopy(net), copy.deepcopy(net)
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    student = Student(
        ours, optimizer=partial(torch.optim.SGD, **settings), schedule=annealing, decay=0.6, steps=8,
        own_statistics=method.own_statistics, decayed="all",
    )  # fmt: skip
    method.setup(FACTS, student.net)
    optimizer = torch.optim.SGD(net.parameters(), **settings)
    draw = torch.distributions.Beta(torch.tensor(0.4), torch.tensor(0.4)).sample
    for t in range(4):
        batch = batch_of("weak", seed=t)
        (u,) = batch.u
        torch.manual_seed(t)
        with torch.no_grad():
            net(torch.cat([batch.x, u]))  # for batch norm
        lam, order = draw(), torch.randperm(LABELLED)
        x, y = (lam * v + (1 - lam) * v[order] for v in (batch.x, torch.eye(N_CLASSES)[batch.y]))
        loss = soft_cross_entropy(net(x), y).mean()
        lam, order = draw(), torch.randperm(UNLABELLED)
        with torch.no_grad():
            z = average(u)
        target = (lam * z + (1 - lam) * z[order]).softmax(-1)
        w = 3 * math.exp(-5 * (1 - min(1, t / 8 / 0.25)) ** 2)
        loss = loss + w * (net(lam * u + (1 - lam) * u[order]).softmax(-1) - target).square().mean()
        optimizer.param_groups[0]["lr"] = 0.1 * (1 + math.cos(math.pi * t / 8)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        alpha = min(1 - 1 / (t + 2), 0.6)
        with torch.no_grad():
            for mine, theirs in zip(average.parameters(), net.parameters(), strict=True):
                mine.copy_(alpha * mine + (1 - alpha) * theirs)

        torch.manual_seed(t)
        student.take(method, batch)
        for found, wanted in ((student.net, net), (student.average, average)):
            for key, value in wanted.state_dict().items():
                torch.testing.assert_close(found.state_dict()[key], value, rtol=1e-10, atol=1e-12, msg=f"{key}, {t}")
