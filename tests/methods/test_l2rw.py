"""Learning to Reweight's weights, gradient by gradient."""

import pytest
import torch
from torch import Tensor
from toy import FACTS, MU, B, ToyNet, batch_of, student_of

from methods.functional import cross_entropy, one_hot
from methods.l2rw import L2RW


def method(monkeypatch: pytest.MonkeyPatch) -> L2RW:
    made = L2RW(beta=1.0, average_statistics="copied")
    made.setup(FACTS, ToyNet())
    monkeypatch.setattr(made, "mix_labelled", lambda x, y: (x, y))
    monkeypatch.setattr(made, "mix_unlabelled", lambda w, y: (w, y))
    return made


def test_equation(monkeypatch):
    student, batch, m = student_of(), batch_of(1), method(monkeypatch)
    p = student.teacher(batch.u[0]).softmax(-1)
    y = one_hot(batch.y, 3)
    parameters = student.parameters

    def flat(loss: Tensor) -> Tensor:
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, retain_graph=True)]).double()

    losses = cross_entropy(student.silent(torch.cat([batch.x, *batch.u])), torch.cat([y, p]))
    labelled = flat(cross_entropy(student.silent(batch.x), y).sum())
    g = torch.stack([-0.1 * (labelled @ flat(each)) for each in losses])  # the look-ahead is a step of SGD
    weights = (-g).clamp(min=0)
    expected = (weights * losses.double()).sum() / weights.sum()
    assert 0 < (weights > 0).sum() < len(g)
    step = m.loss(student, batch)
    assert step.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert torch.equal(step.pseudo.selected, weights[B:] > 0)


def test_where_no_gradient_is_negative_nothing_is_learned(monkeypatch):
    student, batch, m = student_of(), batch_of(1), method(monkeypatch)
    influence = student.influence
    monkeypatch.setattr(student, "influence", lambda *args: (torch.ones(B + MU * B), influence(*args)[1]))
    step = m.loss(student, batch)
    assert step.loss == 0
    assert all(g.eq(0).all() for g in torch.autograd.grad(step.loss, student.parameters))
    assert not step.pseudo.selected.any()
