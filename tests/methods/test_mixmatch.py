"""MixMatch's equation, its MixUp and its interleaving."""

import copy

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, logits, same, softmax, statistics, student_of

from methods import mixmatch
from methods.mixmatch import MixMatch, interleaved, mixup_each


def method() -> MixMatch:
    made = MixMatch(T=0.5, beta=0.75, w_match=8.0, ramp=0.8)
    made.setup(FACTS, ToyNet())
    return made


def by_swapping(n: int, size: int) -> list[list[int]]:
    """The rows of n passes: piece k of the first changes places with piece k of the k-th."""
    rows = [list(range(k * size, (k + 1) * size)) for k in range(n)]
    for column in range(size):
        k = column * n // size
        rows[0][column], rows[k][column] = rows[k][column], rows[0][column]
    return rows


def test_equation(monkeypatch):
    student, batch, n = student_of(done=40), batch_of(2), 1 + 2 * MU
    lam = torch.rand(n * B)
    drawn = lam.clone()
    monkeypatch.setattr(mixmatch, "mixing", lambda beta, like, *shape: drawn.reshape(shape))
    order = torch.randperm(n * B)
    monkeypatch.setattr(torch, "randperm", lambda *_, **__: order)

    p = (softmax(logits(student.net, batch.u[0])) + softmax(logits(student.net, batch.u[1]))) / 2
    q = p**2 / (p**2).sum(-1, keepdims=True)
    targets = np.concatenate([np.eye(C)[batch.y], q, q])
    inputs = torch.cat([batch.x, *batch.u])
    lam = lam.maximum(1 - lam)
    mixed = torch.stack([v * a + (1 - v) * b for v, a, b in zip(lam, inputs, inputs[order], strict=True)])
    v = lam.double().numpy()[:, None]
    targets = v * targets + (1 - v) * targets[order]
    f = np.empty((n * B, C))
    for rows in by_swapping(n, B):
        f[rows] = softmax(logits(student.net, mixed[rows]))
    w = 8.0 * 0.4 / 0.8
    expected = H(targets[:B], f[:B]) + w * np.square(f[B:] - targets[B:]).mean()

    step = method().loss(student, batch)
    assert step.loss.item() == pytest.approx(expected, abs=1e-6)
    assert np.allclose(step.pseudo.confidence, p.max(-1), atol=1e-6)


def test_each_input_has_a_lambda_of_its_own_and_is_nearer_to_itself():
    x, p = torch.arange(200.0).view(200, 1, 1), torch.eye(200)
    mixed, labels = mixup_each(x, p, 0.75)
    own = labels.diagonal()
    assert own.min() >= 0.5 and len(own.unique()) > 100
    torch.testing.assert_close(mixed.flatten(), labels @ x.flatten(), atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize(("n", "size"), [(3, 5), (5, 5), (7, 5), (3, 6), (1, 4)])
def test_interleaving_deals_the_labelled_inputs_to_all_passes(n, size):
    asked: list[tuple[str, list[int]]] = []

    class Spy:
        def net(self, x):
            asked.append(("net", x.flatten().tolist()))
            return 2 * x

        def silent(self, x):
            asked.append(("silent", x.flatten().tolist()))
            return 2 * x

    x = torch.arange(float(n * size)).view(-1, 1)
    assert torch.equal(interleaved(Spy(), x, size, moves=0), 2 * x)
    assert [rows for _, rows in asked] == by_swapping(n, size)
    assert [name for name, _ in asked] == ["net"] + ["silent"] * (n - 1)
    labelled = [sum(row < size for row in rows) for _, rows in asked]
    assert sum(labelled) == size and max(labelled) - min(labelled) <= 1


def test_running_statistics_are_of_the_first_pass_alone():
    student, m = student_of(), method()
    batch = batch_of(2)
    seen = []
    hook = student.net.features[2].register_forward_pre_hook(lambda module, args: seen.append((module, args[0])))
    before = copy.deepcopy(student.net.features[2])
    m.loss(student, batch)
    hook.remove()
    assert len(seen) == 2 + 1 + 2 * MU
    before(seen[2][1].detach())  # after the two views' own passes
    assert same(statistics(student.net), statistics(before))


def test_no_gradient_through_the_guess():
    student, batch, m = student_of(), batch_of(2), method()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixmatch, "sharpen", lambda p, T: p.clone() if not p.requires_grad else pytest.fail("a gradient"))
        m.loss(student, batch)
