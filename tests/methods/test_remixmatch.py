"""ReMixMatch's equation, its alignment and its rotations."""

import copy

import numpy as np
import pytest
import torch
from test_mixmatch import by_swapping
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, logits, same, softmax, statistics, student_of

from methods import mixmatch
from methods.remixmatch import ReMixMatch, rotated


def made(**numbers: float) -> tuple[ReMixMatch, torch.nn.Module]:
    default = {"T": 0.5, "beta": 0.75, "w_match": 1.5, "w_kl": 0.5, "w_rot": 0.3, "ramp": 0.8, "window": 4}
    torch.manual_seed(4)
    m = ReMixMatch(**default | numbers)
    return m, m.setup(FACTS, ToyNet())


def test_equation(monkeypatch):
    m, net = made()
    student, batch, n = student_of(net, done=40), batch_of(3), 1 + 3 * MU
    lam = torch.rand(n * B)
    drawn = lam.clone()
    monkeypatch.setattr(mixmatch, "mixing", lambda beta, like, *shape: drawn.reshape(shape))
    order = torch.randperm(n * B)
    monkeypatch.setattr(torch, "randperm", lambda *_, **__: order)
    lam = lam.maximum(1 - lam)
    inputs = torch.cat([batch.x, *batch.u])
    mixed = torch.stack([v * a + (1 - v) * b for v, a, b in zip(lam, inputs, inputs[order], strict=True)])
    v = lam.double().numpy()[:, None]
    turned = torch.cat([torch.rot90(part, k, (2, 3)) for k, part in enumerate(batch.u[1].tensor_split(4))])
    with torch.no_grad():
        still = copy.deepcopy(net)
        rotation = still.heads["rotation"](still.features(turned)).double().numpy()
    times = np.concatenate([np.full(len(part), k) for k, part in enumerate(np.array_split(np.zeros(MU * B), 4))])

    p = softmax(logits(student.net, batch.u[0]))
    prior = np.array([3, 2, 1]) / 6
    said: list[np.ndarray] = []
    for _ in range(6):  # the net stays as it is
        p_tilde = np.mean((4 * [np.full(C, 1 / C)] + said)[-4:], 0)
        aligned = p * prior / p_tilde
        q = (aligned / aligned.sum(-1, keepdims=True)) ** 2
        q /= q.sum(-1, keepdims=True)
        said.append(p.mean(0))
        targets = np.concatenate([np.eye(C)[batch.y], q, q, q])
        targets = v * targets + (1 - v) * targets[order]
        f = np.empty((n * B, C))
        for rows in by_swapping(n, B):
            f[rows] = softmax(logits(student.net, mixed[rows]))
        w = 0.4 / 0.8
        expected = H(targets[:B], f[:B]) + w * 1.5 * H(targets[B:], f[B:])
        expected += w * 0.5 * H(q, softmax(logits(student.net, batch.u[1]))) + 0.3 * H(times, softmax(rotation))
        assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=2e-6)


def test_rotations_are_a_quarter_each():
    u = torch.arange(8 * 2 * 9.0).view(8, 2, 3, 3)
    turned, times = rotated(u)
    assert times.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for before, after, k in zip(u, turned, times.tolist(), strict=True):
        assert np.array_equal(np.rot90(before.numpy(), k, (1, 2)), after.numpy())


@pytest.mark.parametrize("shape", [(4, 1, 3, 5), (4, 7)])
def test_what_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match="square"):
        rotated(torch.zeros(shape))


def test_running_statistics_are_of_the_last_interleaved_pass_alone():
    m, net = made()
    student, batch = student_of(net), batch_of(3)
    seen = []
    hook = net.features[2].register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    before = copy.deepcopy(net.features[2])
    m.loss(student, batch)
    hook.remove()
    assert len(seen) == 1 + (1 + 3 * MU) + 1 + 1  # weak, interleaved, strong, rotated
    before(seen[3 * MU + 1])
    assert same(statistics(net), statistics(before))


def test_the_views_are_strong_and_there_is_a_head():
    m, net = made()
    assert m.views == ("weak", "strong", "strong") and m.labelled_view == "strong"
    assert net.heads["rotation"].out_features == 4
    assert net(torch.randn(2, 1, 4, 4)).shape == (2, C)
