"""SimMatch's equation over several steps: its bank, unfolding and aggregation."""

import numpy as np
import pytest
import torch
from test_comatch import ask
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, softmax, student_of

from methods.simmatch import SimMatch

N = MU * B
TAU, ALPHA, T_SIM, MOMENTUM, WINDOW, DIM = 0.4, 0.8, 0.3, 0.7, 3, 4


def made() -> tuple[SimMatch, torch.nn.Module]:
    torch.manual_seed(4)
    m = SimMatch(
        tau=TAU, alpha=ALPHA, t=T_SIM, dim=DIM, momentum=MOMENTUM, warm_up=0.3, window=WINDOW,
        lambda_u=2.0, lambda_in=0.5,
    )  # fmt: skip
    return m, m.setup(FACTS, ToyNet())


def test_equation():
    m, net = made()
    student = student_of(net, done=27)  # teaches from 30 of 100 on
    bank, y, said = m.bank.double().numpy().copy(), FACTS.y.numpy(), []
    for seed in range(6):
        batch = batch_of(2, seed=seed)
        i = torch.randperm(len(y))[:B]
        batch = batch._replace(i=i, y=FACTS.y[i])
        f, z = ask(net, torch.cat([batch.x, *batch.u]))  # one pass
        x, weak, strong = np.split(f, [B, B + N])
        z_x, z_weak, z_strong = np.split(z, [B, B + N])
        said.append(weak.mean(0))
        p = weak / np.mean(said[-WINDOW:], 0)
        p /= p.sum(-1, keepdims=True)
        q = softmax(z_weak @ bank.T / T_SIM)
        unfolded = q * p[:, y]
        unfolded /= unfolded.sum(-1, keepdims=True)
        aggregated = np.stack([q[:, y == c].sum(-1) for c in range(C)], -1)
        teaches = student.count >= 30
        smooth = ALPHA * p + (1 - ALPHA) * aggregated if teaches else p
        mask = smooth.max(-1) > TAU
        expected = H(batch.y, x) + 2 * (mask * -(smooth * np.log(strong)).sum(-1)).mean()
        expected += teaches * 0.5 * H(unfolded, softmax(z_strong @ bank.T / T_SIM))
        step = m.loss(student, batch)
        assert step.loss.item() == pytest.approx(expected, abs=2e-6)
        assert np.allclose(step.pseudo.confidence, smooth.max(-1), atol=1e-6)
        entries = MOMENTUM * bank[i] + (1 - MOMENTUM) * z_x
        bank[i] = entries / np.linalg.norm(entries, axis=-1, keepdims=True)  # each of length 1, after use
        assert np.allclose(m.bank, bank, atol=1e-6)
        student.count += 1


def test_unfolding_spreads_a_class_over_its_inputs_and_aggregation_gathers_them():
    m, _ = made()
    q = torch.tensor([[0.1, 0.2, 0.3, 0.2, 0.1, 0.1]])
    p = torch.tensor([[0.5, 0.25, 0.25]])
    assert FACTS.y.tolist() == [0, 1, 2, 0, 1, 0]
    torch.testing.assert_close(m.aggregate(q, C), torch.tensor([[0.4, 0.3, 0.3]]))
    expected = torch.tensor([[0.05, 0.05, 0.075, 0.1, 0.025, 0.05]])
    torch.testing.assert_close(m.unfold(p, q), expected / expected.sum())
    sure = m.unfold(torch.tensor([[0.0, 0.0, 1.0]]), q)
    assert sure.tolist() == [[0, 0, 1, 0, 0, 0]]


def test_the_bank_is_by_number_and_the_later_of_two_counts():
    m, _ = made()
    before = m.bank.clone()
    z = torch.nn.functional.normalize(torch.randn(3, DIM), dim=-1)
    m.remember(z, torch.tensor([4, 1, 4]))
    assert torch.equal(m.bank[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
    for place, k in ((4, 2), (1, 1)):
        entry = 0.7 * before[place] + 0.3 * z[k]
        torch.testing.assert_close(m.bank[place], entry / entry.norm())


def test_a_bank_has_the_labels_of_its_inputs_and_entries_of_length_one():
    m, _ = made()
    assert torch.equal(m.labels, FACTS.y)
    assert m.bank.shape == (len(FACTS.y), DIM) and m.bank.norm(dim=-1).tolist() == pytest.approx([1.0] * 6)


def test_the_bank_and_the_weak_view_teach_without_a_gradient():
    m, net = made()
    student, batch = student_of(net), batch_of(2)
    weak, strong = (u.requires_grad_() for u in batch.u)
    student.net.eval()  # or it would reach the others through the batch's statistics
    step = m.loss(student, batch)
    assert not any(b.requires_grad for b in m.buffers())
    by_weak, by_strong = torch.autograd.grad(step.log["instance"], (weak, strong), retain_graph=True)
    assert by_weak.eq(0).all() and by_strong.abs().sum() > 0
    assert torch.autograd.grad(step.loss, weak)[0].eq(0).all()
