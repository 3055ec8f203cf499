"""CoMatch's equation over several steps: its memory, its graph and its running statistics."""

import copy

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, same, softmax, statistics, student_of

from methods.comatch import CoMatch

N = MU * B
TAU, ALPHA, T_SIM, T_GRAPH, QUEUE, WINDOW, DIM = 0.4, 0.7, 0.5, 0.34, 2 * (N + B), 3, 4


def made(queue: int = QUEUE) -> tuple[CoMatch, torch.nn.Module]:
    torch.manual_seed(4)
    m = CoMatch(
        tau=TAU, alpha=ALPHA, t=T_SIM, T=T_GRAPH, dim=DIM, queue=queue, window=WINDOW, lambda_u=2.0, lambda_c=0.5
    )
    return m, m.setup(FACTS, ToyNet())


def ask(net: torch.nn.Module, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and embeddings of one pass, float64."""
    net = copy.deepcopy(net).double()
    with torch.no_grad():
        features = net.features(x.double())
        z = net.heads["projection"](features).numpy()
        return softmax(net.classifier(features).numpy()), z / np.linalg.norm(z, axis=-1, keepdims=True)


def test_equation():
    m, net = made()
    student = student_of(net)
    memory_p, memory_z, said, smoothed, edges = np.empty((0, C)), np.empty((0, DIM)), [], [], []
    for seed in range(5):
        batch = batch_of(3, seed=seed)
        f, z = ask(net, torch.cat([batch.x, *batch.u]))  # one pass
        x, weak, strong, _ = np.split(f, [B, B + N, B + 2 * N])
        z_x, z_weak, z_1, z_2 = np.split(z, [B, B + N, B + 2 * N])
        said.append(weak.mean(0))
        p = weak / np.mean(said[-WINDOW:], 0)
        p /= p.sum(-1, keepdims=True)
        q = p
        if len(memory_p) == QUEUE:
            q = ALPHA * p + (1 - ALPHA) * softmax(z_weak @ memory_z.T / T_SIM) @ memory_p
        smoothed.append(len(memory_p) == QUEUE)
        memory_p = np.concatenate([memory_p, p, np.eye(C)[batch.y]])[-QUEUE:]  # p, not q
        memory_z = np.concatenate([memory_z, z_weak, z_x])[-QUEUE:]
        mask = q.max(-1) > TAU
        W = q @ q.T
        np.fill_diagonal(W, 1)
        W[W < T_GRAPH] = 0
        edges.append((W > 0).sum())
        W /= W.sum(-1, keepdims=True)
        expected = H(batch.y, x) + 2 * (mask * -(q * np.log(strong)).sum(-1)).mean()
        expected += 0.5 * H(W, softmax(z_1 @ z_2.T / T_SIM))
        step = m.loss(student, batch)
        assert step.loss.item() == pytest.approx(expected, abs=2e-6)
        assert np.allclose(step.pseudo.confidence, q.max(-1), atol=1e-6)
        assert step.pseudo.selected.tolist() == mask.tolist()
    assert smoothed == [False, False, True, True, True]
    assert min(edges) > N and max(edges) < N * N


def test_the_graph_has_loops_and_no_weak_edges():
    m, _ = made()
    q = torch.tensor([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.0, 0.3, 0.7]])
    W = m.graph(q)
    first, second = 1 + 0.74, 0.74 + 1  # q_0 . q_1 = 0.74; the others are below T
    expected = torch.tensor([[1 / first, 0.74 / first, 0], [0.74 / second, 1 / second, 0], [0, 0, 1]])
    torch.testing.assert_close(W, expected)


@pytest.mark.parametrize("queue", [7, 12, 4])
def test_the_oldest_entries_make_room(queue):
    m, _ = made(queue)
    p, z = torch.rand(4 * 5, C), torch.rand(4 * 5, DIM)
    for k in range(4):
        m.remember(p[5 * k : 5 * (k + 1)], z[5 * k : 5 * (k + 1)])
        kept = min(queue, 5 * (k + 1))
        last = p[5 * (k + 1) - kept : 5 * (k + 1)]
        found = m.memory_p[m.memory_p.sum(-1) > 0]
        if queue >= 5:
            assert sorted(found.tolist()) == sorted(last.tolist())
            rows = [m.memory_p.tolist().index(row) for row in last.tolist()]
            assert same(list(m.memory_z[rows]), list(z[5 * (k + 1) - kept : 5 * (k + 1)]))  # in the same places
    assert len(m.memory_p) == queue


def test_what_is_remembered_has_no_gradient_and_targets_neither():
    m, net = made()
    student = student_of(net)
    for seed in range(3):
        step = m.loss(student, batch_of(3, seed=seed))
    assert not any(b.requires_grad for b in m.buffers())
    weak = batch_of(3).u[0].requires_grad_()
    student.net.eval()  # or it would reach the others through the batch's statistics
    batch = batch_of(3)
    step = m.loss(student, batch._replace(u=(weak, *batch.u[1:])))
    assert torch.autograd.grad(step.loss, weak)[0].eq(0).all()


def test_both_strong_views_learn_by_the_contrast_and_one_pass_moves_the_statistics_once():
    m, net = made()
    student, batch = student_of(net), batch_of(3)
    once = copy.deepcopy(net.features)
    once(torch.cat([batch.x, *batch.u]))
    strong = [u.requires_grad_() for u in batch.u[1:]]
    step = m.loss(student, batch)
    assert same(statistics(net.features), statistics(once))
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(step.log["contrast"], strong))
    assert m.views == ("weak", "strong", "strong")
