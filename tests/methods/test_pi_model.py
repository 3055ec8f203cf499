"""The Pi-model's equation, and where its gradient goes."""

import copy
import math

import numpy as np
import pytest
import torch
from toy import B, H, batch_of, logits, softmax, student_of

from methods.base import Step
from methods.meta_semi import MetaSemiConsistency
from methods.pi_model import PiModel


def method() -> PiModel:
    return PiModel(w_max=7.0, ramp=0.8)


def test_equation():
    student, batch = student_of(done=40), batch_of(2)
    first, second = logits(student.net, torch.cat([batch.x, batch.u[0]])), logits(student.net, batch.u[1])
    w = 7.0 * math.exp(-5 * (1 - 0.4 / 0.8) ** 2)
    z, z_ = softmax(first[B:]), softmax(second)
    expected = H(batch.y, softmax(first[:B])) + w * np.square(z - z_).sum() / z.size
    step = method().loss(student, batch)
    assert step.loss.item() == pytest.approx(expected, abs=1e-6)
    assert set(step.log) == {"loss_s", "loss_u"}
    assert np.allclose(step.pseudo.confidence, z.max(-1))


def test_the_gradient_goes_through_both_passes():
    student, batch = student_of(), batch_of(2)
    loss = method().consistency(student, batch)
    found = torch.autograd.grad(loss, student.parameters)
    net = copy.deepcopy(student.net)
    parameters = list(net.parameters())
    z = net(torch.cat([batch.x, batch.u[0]]))[B:].softmax(-1)
    z_ = net(batch.u[1]).softmax(-1)
    w = method().weight(student)
    both = torch.autograd.grad(w * ((z - z_) ** 2).mean(), parameters, retain_graph=True)
    one = torch.autograd.grad(w * ((z - z_.detach()) ** 2).mean(), parameters)
    for g, b in zip(found, both, strict=True):
        torch.testing.assert_close(g, b)
    assert not all(torch.allclose(g, o) for g, o in zip(found, one, strict=True))


def test_the_weight_rises_and_stays():
    weights = [method().weight(student_of(done=done)) for done in (0, 40, 80, 99)]
    assert weights == sorted(weights) and weights[0] == pytest.approx(7 * math.exp(-5)) and weights[2:] == [7.0, 7.0]


def test_meta_semi_takes_it_as_a_term(monkeypatch):
    student, batch = student_of(), batch_of(2)
    both = MetaSemiConsistency(beta=1.0, average_statistics="copied", regulariser=method())
    monkeypatch.setattr("methods.meta_semi.MetaSemi.loss", lambda *_: Step(torch.tensor(2.0)))
    step = both.loss(student_of(), batch)
    assert step.loss.item() == pytest.approx(2 + method().consistency(student, batch).item(), abs=1e-6)
