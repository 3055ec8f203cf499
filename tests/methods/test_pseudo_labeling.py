"""Pseudo-Labeling's equation, its warm-up and its running statistics."""

import copy

import numpy as np
import pytest
import torch
from toy import MU, B, H, batch_of, logits, same, softmax, statistics, student_of

from methods.pseudo_labeling import PseudoLabeling


def method(tau: float = 0.4) -> PseudoLabeling:
    return PseudoLabeling(tau=tau, lambda_u=3.0, warm_up=0.4)


@pytest.mark.parametrize(("done", "w"), [(0, 0.0), (10, 3 * 0.25), (40, 3.0), (80, 3.0)])
def test_equation(done, w):
    student, batch = student_of(done=done), batch_of(1)
    x, p = softmax(logits(student.net, batch.x)), softmax(logits(student.net, batch.u[0]))
    selected = p.max(-1) > 0.4
    assert 0 < selected.sum() < MU * B
    expected = H(batch.y, x) + w * (selected * -np.log(p.max(-1))).sum() / (MU * B)  # over all, not over the selected
    step = method().loss(student, batch)
    assert step.loss.item() == pytest.approx(expected, abs=1e-6)
    assert step.pseudo.selected.tolist() == selected.tolist()


def test_the_view_that_is_labelled_learns():
    student, batch = student_of(), batch_of(1)
    m = method(tau=0.0)
    assert m.views == ("weak",)
    silent = copy.deepcopy(student.net)(batch.u[0])
    step = m.loss(student, batch)
    gradients = torch.autograd.grad(step.log["loss_u"], student.parameters, retain_graph=True)
    assert all(g.abs().sum() > 0 for name, g in zip("wbgbwb", gradients, strict=True) if name != "b")
    expected = torch.nn.functional.cross_entropy(silent, silent.argmax(-1)) * 3
    assert step.log["loss_u"].item() == pytest.approx(expected.item(), abs=1e-6)


def test_the_labelled_pass_alone_moves_the_running_statistics():
    student, batch = student_of(), batch_of(1)
    reference = copy.deepcopy(student.net)
    reference(batch.x)
    method().loss(student, batch)
    assert same(statistics(student.net), statistics(reference))
