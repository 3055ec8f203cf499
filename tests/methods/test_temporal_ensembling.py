"""Temporal ensembling's equation over several epochs, and its memory."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, batch_of, logits, softmax, student_of

from methods.temporal_ensembling import TemporalEnsembling


def method(alpha: float = 0.6) -> TemporalEnsembling:
    made = TemporalEnsembling(alpha=alpha, w_max=5.0, ramp=0.5)
    made.setup(FACTS, torch.nn.Identity())
    return made


def test_equation():
    """Z <- alpha Z + (1 - alpha) z and z~ = Z / (1 - alpha^t), input by input."""
    student, m = student_of(), method()
    Z: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(C))
    t: dict[int, int] = defaultdict(int)
    for step in range(4):
        batch = batch_of(1, seed=step)
        out = logits(student.net, torch.cat([batch.x, *batch.u]))
        total = 0.0
        for z, j in zip(softmax(out[B:]), batch.j.tolist(), strict=True):
            if t[j]:
                total += np.square(z - Z[j] / (1 - 0.6 ** t[j])).sum()
            Z[j] = 0.6 * Z[j] + 0.4 * z
            t[j] += 1
        expected = H(batch.y, softmax(out[:B])) + 5.0 * total / (MU * B * C)
        assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)
    assert max(t.values()) == 4 and min(t.values()) < 4  # some were seen less often


@pytest.mark.parametrize("alpha", [0.0, 0.6, 0.99])
def test_the_correction_makes_a_constant_its_own_target(alpha):
    m, z, j = method(alpha), torch.randn(4, C).softmax(-1), torch.tensor([3, 0, 7, 5])
    for t in range(1, 6):
        m.remember(z, j)
        assert m.t[j].eq(t).all()
        target, seen = m.target(j)
        torch.testing.assert_close(target, z, atol=1e-5, rtol=1e-5)
        assert seen.eq(1).all()
    others = torch.tensor([1, 2, 11])
    assert m.Z[others].eq(0).all() and m.target(others)[1].eq(0).all()


def test_new_inputs_are_consistent_with_nothing():
    m, z = method(), torch.randn(4, C).softmax(-1)
    assert m.inconsistency(z, torch.arange(4)) == 0
    later = m.inconsistency(z.flip(1), torch.tensor([0, 1, 8, 9]))  # two of four are new
    assert later.item() == pytest.approx((z[:2] - z[:2].flip(1)).square().mean().item() / 2, abs=1e-6)


def test_an_input_that_comes_twice_counts_once_as_it_was_last():
    m, z = method(), torch.randn(3, C).softmax(-1)
    m.remember(z, torch.tensor([4, 2, 4]))
    assert m.t.tolist() == [0, 0, 1, 0, 1] + 7 * [0]
    torch.testing.assert_close(m.Z[4], 0.4 * z[2])


def test_the_memory_gets_no_gradient():
    m, student, batch = method(), student_of(), batch_of(1)
    m.loss(student, batch)
    second = m.loss(student, batch).loss
    second.backward()
    assert not m.Z.requires_grad
