"""SNTG's equation, pair by pair."""

import copy

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, batch_of, softmax, student_of

from methods.sntg import SNTG


def method(k: float = 0.4, margin: float = 0.8) -> SNTG:
    made = SNTG(k=k, margin=margin, alpha=0.6, w_max=5.0, ramp=0.5)
    made.setup(FACTS, torch.nn.Identity())
    return made


def test_equation():
    student, m, batch = student_of(), method(), batch_of(1)
    m.remember(torch.randn(MU * B, C).softmax(-1), batch.j)
    m.remember(torch.randn(3, C).softmax(-1), batch.j[:3])
    m.t[batch.j[4]] = m.Z[batch.j[4]] = 0  # one is new
    Z, t = m.Z.double().numpy().copy(), m.t.numpy().copy()

    with torch.no_grad():
        net = copy.deepcopy(student.net)
        h = net.features(torch.cat([batch.x, *batch.u]))
        p = softmax(net.classifier(h).double().numpy())
    h = h.double().numpy()
    targets = [Z[j] / (1 - 0.6 ** t[j]) if t[j] else None for j in batch.j]
    labels = [*batch.y.tolist(), *(None if z is None else z.argmax() for z in targets)]
    ensemble = sum(np.square(q - z).sum() for q, z in zip(p[B:], targets, strict=True) if z is not None)
    pairs, n = 0.0, len(h) // 2
    for i in range(n):
        if None in (labels[i], labels[n + i]):
            continue
        d = np.sqrt(np.mean((h[i] - h[n + i]) ** 2))
        pairs += d**2 if labels[i] == labels[n + i] else max(0.8 - d, 0) ** 2
    expected = H(batch.y, p[:B]) + 5.0 * (ensemble / (MU * B * C) + 0.4 * pairs / n)
    assert pairs > 0
    assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


def test_neighbours_come_near_and_others_leave():
    m, known = method(margin=1.0), torch.ones(2)
    h = torch.tensor([[0.0, 0.0], [0.3, 0.0]], requires_grad=True)
    (near,) = torch.autograd.grad(m.smoothness(h, torch.tensor([1, 1]), known), h)
    (far,) = torch.autograd.grad(m.smoothness(h, torch.tensor([1, 2]), known), h)
    assert near[1, 0] > 0 > far[1, 0]
    beyond = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    assert m.smoothness(beyond, torch.tensor([1, 2]), known) == 0


def test_equal_features_of_two_classes_are_no_number_s_end():
    h = torch.zeros(2, 4, requires_grad=True)
    value = method().smoothness(h, torch.tensor([0, 1]), torch.ones(2))
    (gradient,) = torch.autograd.grad(value, h)
    assert value.item() == pytest.approx(0.64, abs=1e-5) and gradient.eq(0).all()
