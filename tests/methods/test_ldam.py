"""LDAM-DRW: margins, scaled cosines, and when its weights begin."""

import copy

import numpy as np
import pytest
import torch
from toy import FACTS, C, ToyNet, batch_of, softmax, student_of

from methods.ldam import LDAM

COUNTS = np.array([1000, 30, 4])
MAX_MARGIN, S, BETA = 0.5, 30.0, 0.9999


def made(**numbers: float) -> tuple[LDAM, torch.nn.Module]:
    torch.manual_seed(4)
    m = LDAM(**{"max_margin": MAX_MARGIN, "s": S, "beta": BETA, "switch": 0.8} | numbers)
    return m, m.setup(FACTS._replace(class_counts=torch.tensor(COUNTS)), ToyNet())


def cosines(net: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    net = copy.deepcopy(net).double()
    with torch.no_grad():
        h, w = net.features(x.double()).numpy(), net.classifier.weight.numpy()
    return (h / np.linalg.norm(h, axis=1, keepdims=True)) @ (w / np.linalg.norm(w, axis=1, keepdims=True)).T


def omega() -> np.ndarray:
    w = (1 - BETA) / (1 - BETA ** COUNTS.astype(float))
    return w / w.sum() * C


@pytest.mark.parametrize("done", [0, 79, 80, 99])
def test_equation(done):
    m, net = made()
    student, batch = student_of(net, done), batch_of(0)
    margins = MAX_MARGIN * COUNTS**-0.25 / (COUNTS**-0.25).max()
    z = cosines(net, batch.x)
    z[np.arange(len(z)), batch.y] -= margins[batch.y]
    losses = -np.log(softmax(S * z)[np.arange(len(z)), batch.y])
    w = omega()[batch.y] if done >= 80 else np.ones(len(z))
    assert m.loss(student, batch).loss.item() == pytest.approx((w * losses).sum() / w.sum(), abs=1e-6, rel=1e-6)


def test_the_rarest_class_has_the_largest_margin():
    m, _ = made()
    assert np.allclose(m.margin, [0.5 * (4 / n) ** 0.25 for n in COUNTS], atol=1e-7)
    assert m.margin[2] == 0.5


def test_weights_are_inverse_effective_numbers():
    m, _ = made()
    assert np.allclose(m.omega, omega(), rtol=1e-6)
    ones, _ = made(beta=0.9999)
    single = ones.setup(FACTS._replace(class_counts=torch.tensor([1, 1, 0])), ToyNet())  # a class without a label
    assert torch.allclose(ones.omega, torch.ones(C)) and torch.isfinite(ones.margin).all()
    assert single.classifier.weight.shape == (C, 6)


def test_logits_are_cosines_times_s_whatever_the_lengths():
    _, net = made()
    x = batch_of(0).x
    z = net(x).detach()
    assert z.abs().max() <= S
    with torch.no_grad():
        net.classifier.weight.mul_(torch.tensor([[3.0], [0.5], [10.0]]))
    assert torch.allclose(net(x), z, atol=1e-4)
    assert np.allclose(z, S * cosines(net, x), atol=1e-4)
    assert not any("bias" in name for name, _ in net.classifier.named_parameters())


def test_the_margin_is_of_the_training_alone():
    _, net = made()
    student = student_of(net)
    assert torch.equal(student.predict(batch_of(0).x), student.net(batch_of(0).x))
