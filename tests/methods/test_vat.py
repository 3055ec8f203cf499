"""VAT's equation, its perturbation, and what its passes leave alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from toy import C, H, batch_of, logits, same, softmax, statistics, student_of

from methods.vat import VAT, divergence, unit


def method(**numbers: float) -> VAT:
    return VAT(**{"eps": 1.5, "xi": 0.1, "w_entropy": 0.7, "w_max": 2.0, "ramp": 0.0} | numbers)


def test_equation(monkeypatch):
    student, batch, m = student_of(), batch_of(1), method()
    r = 0.3 * torch.randn_like(batch.u[0])
    monkeypatch.setattr(m, "perturbation", lambda *_: r)
    p, q = softmax(logits(student.net, batch.u[0])), softmax(logits(student.net, batch.u[0] + r))
    kl = (p * np.log(p / q)).sum(-1).mean()
    expected = H(batch.y, softmax(logits(student.net, batch.x))) + 2.0 * (kl + 0.7 * H(p, p))
    assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


def test_the_divergence_s_first_argument_gets_no_gradient(monkeypatch):
    student, batch, m = student_of(), batch_of(1), method(w_entropy=0.0)
    monkeypatch.setattr(m, "perturbation", lambda *_: torch.zeros_like(batch.u[0]))
    gradients = torch.autograd.grad(m.consistency(student, batch), student.parameters)
    assert max(g.abs().max() for g in gradients) < 1e-6  # KL(p || q) at q = p: its minimum over q


def test_the_perturbation_has_norm_eps_and_is_worse_than_chance():
    student, (u,), m = student_of(), batch_of(1).u, method()
    with torch.no_grad():
        p = student.silent(u).log_softmax(-1)
    r = m.perturbation(student, u, p)
    torch.testing.assert_close(r.flatten(1).norm(dim=1), torch.full((len(u),), 1.5))
    with torch.no_grad():

        def moved(r: torch.Tensor) -> float:
            return divergence(p, student.silent(u + r).log_softmax(-1)).item()

        chance = [moved(1.5 * unit(torch.randn_like(u))) for _ in range(50)]
        assert moved(r) > 1.5 * np.mean(chance) and moved(r) > max(chance)


def test_xi_is_long_enough_for_float32():
    """The direction is that of float64 at a millionth; the official 1e-6 would not do in float32."""
    student, (u,), m = student_of(), batch_of(1).u, method(eps=1.0)
    exact = copy.deepcopy(student)
    exact.eager.double()
    exact_method = method(eps=1.0, xi=1e-6)
    directions = []
    for s, v, chosen in ((student, u, m), (exact, u.double(), exact_method)):
        with torch.no_grad():
            p = s.silent(v).double().log_softmax(-1).to(v.dtype)
        torch.manual_seed(3)
        d = torch.randn_like(u)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "randn_like", lambda like, dtype=None, d=d: d.to(dtype or like.dtype))
            patch.setattr(torch.Tensor, "float", lambda t: t)
            directions.append(chosen.perturbation(s, v, p).flatten(1).double())
    assert (directions[0] * directions[1]).sum(1).min() > 0.99


def test_running_statistics_see_the_labelled_inputs_alone():
    student, batch = student_of(), batch_of(1)
    alone = copy.deepcopy(student.net)
    alone(batch.x)
    method().loss(student, batch)
    assert same(statistics(student.net), statistics(alone))


def test_any_float_input():
    net = nn.Sequential(nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, C))
    student, batch = student_of(net), batch_of(1)
    batch = batch._replace(x=torch.randn(5, 7), u=(torch.randn(10, 7),))
    assert method().loss(student, batch).loss.isfinite()
    sequences = unit(torch.randn(4, 3, 8))
    torch.testing.assert_close(sequences.flatten(1).norm(dim=1), torch.ones(4))
    assert unit(torch.zeros(2, 5)).eq(0).all()
    torch.testing.assert_close(unit(torch.full((1, 4), 1e-30)), torch.full((1, 4), 0.5))
