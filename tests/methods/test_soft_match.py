"""SoftMatch's equation over several steps: its Gaussian, its alignment and its labels."""

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, logits, softmax, student_of

from methods.soft_match import SoftMatch

M = 0.6


def method() -> SoftMatch:
    made = SoftMatch(momentum=M, n_sigma=2.0, lambda_u=3.0, batch_norm="split")
    made.setup(FACTS, ToyNet())
    return made


def test_equation():
    student, m = student_of(), method()
    student.net.classifier.weight.data.mul_(4)
    mu, variance, p_tilde, least = 1 / C, 1.0, None, []
    for seed in range(4):
        batch = batch_of(2, seed=seed)
        p = softmax(logits(student.net, batch.u[0]))
        both = softmax(logits(student.net, torch.cat([batch.x, batch.u[1]])))
        p_tilde = p.mean(0) if p_tilde is None else M * p_tilde + (1 - M) * p.mean(0)
        q = p / C / p_tilde
        confidence = (q / q.sum(-1, keepdims=True)).max(-1)
        mu = M * mu + (1 - M) * confidence.mean()
        variance = M * variance + (1 - M) * confidence.var(ddof=1)  # unbiased
        weight = np.where(confidence < mu, np.exp(-((confidence - mu) ** 2) / (2 * variance / 4)), 1.0)
        label = p.argmax(-1)  # of the raw predictions
        losses = -np.log(both[B:][np.arange(MU * B), label])
        expected = H(batch.y, both[:B]) + 3 * (weight * losses).mean()
        step = m.loss(student, batch)
        assert step.loss.item() == pytest.approx(expected, abs=1e-6)
        assert np.allclose(step.pseudo.confidence, confidence, atol=1e-6)
        assert step.pseudo.threshold.tolist() == pytest.approx([mu] * (MU * B), abs=1e-6)
        least.append(weight.min())
    assert 0 < min(least) < 0.8


def test_the_label_is_of_the_raw_prediction_and_the_confidence_of_the_aligned_one():
    m = method()
    p = torch.tensor([[0.6, 0.4, 0.0]]).repeat(5, 1)
    p[1:] = torch.tensor([0.9, 0.05, 0.05])
    m.observe(student_of(), p, torch.arange(5))
    refined = m.refine(p, torch.arange(5))
    assert refined[0].argmax() == 1  # the rarer class
    pseudo = m.pseudo(p, torch.arange(5))
    assert pseudo.label[0] == 0 and pseudo.confidence[0] == refined[0, 1]


def test_above_the_mean_every_weight_is_one():
    m = method()
    m.mu.fill_(0.5)
    m.variance.fill_(0.01)
    confidence = torch.tensor([0.3, 0.4, 0.5, 0.6, 1.0])
    gate = m.gate(confidence, torch.full((5,), 0.5))
    assert gate[2:].tolist() == [1, 1, 1]
    assert gate[:2].tolist() == pytest.approx([np.exp(-0.04 / 0.005), np.exp(-0.01 / 0.005)], rel=1e-5)
