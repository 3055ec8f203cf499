"""FreeMatch's equation over several steps: its thresholds and its fairness."""

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, logits, softmax, student_of

from methods.free_match import FreeMatch
from methods.thresholding import Guess

M, W_F = 0.6, 0.5


def method() -> FreeMatch:
    made = FreeMatch(momentum=M, w_f=W_F, lambda_u=3.0, batch_norm="split")
    made.setup(FACTS, ToyNet())
    return made


def sum_norm(a: np.ndarray) -> np.ndarray:
    return a / a.sum()


def fairness(p: np.ndarray, h: np.ndarray, strong: np.ndarray, selected: np.ndarray) -> float:
    if not selected.any():
        return 0.0
    chosen = strong[selected]
    p_bar, h_bar = chosen.mean(0), np.bincount(chosen.argmax(-1), minlength=C) / len(chosen)
    b = sum_norm(np.array([a / c if c else 0.0 for a, c in zip(p_bar, h_bar, strict=True)]))
    return float((sum_norm(p / h) * np.log(b + 1e-12)).sum())


def test_equation():
    student, m = student_of(), method()
    tau, p_tilde, h_tilde = 1 / C, np.full(C, 1 / C), np.full(C, 1 / C)
    counts, absent = [], []
    for seed in range(6):
        batch = batch_of(2, seed=seed)
        p = softmax(logits(student.net, batch.u[0]))
        both = softmax(logits(student.net, torch.cat([batch.x, batch.u[1]])))
        tau = M * tau + (1 - M) * p.max(-1).mean()
        p_tilde = M * p_tilde + (1 - M) * p.mean(0)
        h_tilde = M * h_tilde + (1 - M) * np.bincount(p.argmax(-1), minlength=C) / (MU * B)
        thresholds = tau * (p_tilde / p_tilde.max())[p.argmax(-1)]
        selected = p.max(-1) > thresholds
        losses = -np.log(both[B:][np.arange(MU * B), p.argmax(-1)])
        fair = fairness(p_tilde, h_tilde, both[B:], selected)
        assert fair < 0
        expected = H(batch.y, both[:B]) + 3 * (selected * losses).mean() + W_F * fair
        step = m.loss(student, batch)
        assert step.loss.item() == pytest.approx(expected, abs=1e-5 if fair < -5 else 2e-6)
        assert np.allclose(step.pseudo.threshold, thresholds, atol=1e-6)
        counts.append(selected.sum())
        absent.append(len(set(both[B:][selected].argmax(-1))) < C)
    assert 0 < min(counts) < MU * B
    assert any(absent)  # a class without a share in a histogram


def test_it_starts_at_one_over_c():
    m = method()
    assert m.tau.item() == pytest.approx(1 / C) and m.p_tilde.tolist() == m.h_tilde.tolist() == [m.tau.item()] * C


def test_where_nothing_is_selected_fairness_is_silent():
    m = method()
    m.tau.fill_(2.0)
    z = torch.randn(4, C, requires_grad=True)
    p = torch.randn(4, C).softmax(-1)
    term = m.regularise(z, Guess(p, p.argmax(-1), {}), torch.arange(4))
    assert term == 0
    assert torch.autograd.grad(term, z)[0].eq(0).all()


def test_fairness_reaches_the_selected_alone():
    m = method()
    m.tau.fill_(0.5)
    p = torch.tensor([[0.6, 0.2, 0.2], [0.4, 0.3, 0.3], [0.2, 0.7, 0.1]])
    z = torch.randn(3, C, requires_grad=True)
    (g,) = torch.autograd.grad(m.regularise(z, Guess(p, p.argmax(-1), {}), torch.arange(3)), z)
    assert g.abs().sum(-1).gt(0).tolist() == [True, False, True] and g.isfinite().all()


def test_no_division_by_a_class_without_a_share():
    m = method()
    m.h_tilde.copy_(torch.tensor([0.5, 0.5, 0.0]))
    p = torch.eye(C)
    z = (100 * torch.eye(C)[:1]).repeat(3, 1).requires_grad_()
    term = m.regularise(z, Guess(p, p.argmax(-1), {}), torch.arange(3))
    assert term.isfinite() and torch.autograd.grad(term, z)[0].isfinite().all()
