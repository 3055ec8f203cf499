"""Meta-Semi."""

import pytest
import torch
import torch.nn.functional as F
from conftest import Parts
from models import (
    FACTS,
    LABELLED,
    N_CLASSES,
    UNLABELLED,
    batch_of,
    every_net,
    method_of,
    own_buffers,
    soft_cross_entropy,
    student_of,
)
from torch import Tensor
from torch.func import functional_call

from benchmarks.data.loader import Loader
from methods import functional
from methods.base import Batch


@every_net
@pytest.mark.usefixtures("double")
def test_the_weights_of_meta_semi_are_the_same_by_every_engine(kind, monkeypatch):
    weights = []
    for engine in ("forward", "higher"):
        method, student = method_of("meta_semi"), student_of(kind, engine)
        method.setup(FACTS, student.net)
        weigh = method.weigh
        monkeypatch.setattr(method, "weigh", lambda g, weigh=weigh: weights.append(weigh(g)) or weights[-1])
        for seed in range(3):
            torch.manual_seed(seed)
            method.loss(student, batch_of("weak"))
    first, second = torch.cat(weights[:3]), torch.cat(weights[3:])
    assert len(first) == 3 * (LABELLED + UNLABELLED)
    assert set(first.tolist()) == {0.0, 1.0}
    assert torch.equal(first, second)


def mixtures(batch: Batch, p: Tensor, beta: float, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Eq. (12) and (13) written out, from the random numbers that follow `seed`."""
    torch.manual_seed(seed)
    draw = torch.distributions.Beta(torch.tensor(beta), torch.tensor(beta)).sample
    y = torch.eye(N_CLASSES)[batch.y]
    lam, order = draw(), torch.randperm(LABELLED)
    x_mixed, y_mixed = (lam * v + (1 - lam) * v[order] for v in (batch.x, y))
    lam, order = draw(), torch.randperm(LABELLED + UNLABELLED)
    w, z = torch.cat([batch.x, *batch.u]), torch.cat([y, p])
    u_mixed, p_mixed = (lam * v + (1 - lam) * v[order] for v in (w, z))
    return x_mixed, y_mixed, u_mixed, p_mixed


@pytest.mark.parametrize("kind", ["tf", "cnn13"])
@pytest.mark.usefixtures("double")
def test_eq_9_is_eq_10_and_both_are_the_method_s_weights(kind):
    method, student, batch = method_of("meta_semi"), student_of(kind), batch_of("weak")
    method.setup(FACTS, student.net)
    seen: list[Tensor] = []
    method.weigh = lambda g: seen.append(g) or (g < 0).double()
    p = student.teacher(batch.u[0]).softmax(-1)
    x_mixed, y_mixed, u_mixed, p_mixed = mixtures(batch, p, method.beta, seed=7)

    def losses(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return soft_cross_entropy(functional_call(student.net, (params, own_buffers(student.net)), (x,)), y)

    # Eq. (9): through one step of gradient descent at w = 0
    params = dict(student.net.named_parameters())
    w = torch.zeros(LABELLED + UNLABELLED, requires_grad=True)
    grads = torch.autograd.grad((w * losses(params, u_mixed, p_mixed)).sum(), list(params.values()), create_graph=True)
    ahead = {name: q - student.lr * g for (name, q), g in zip(params.items(), grads, strict=True)}
    (eq9,) = torch.autograd.grad(losses(ahead, x_mixed, y_mixed).sum(), w)

    # Eq. (10): an inner product of gradients a sample
    labelled = torch.autograd.grad(losses(params, x_mixed, y_mixed).sum(), list(params.values()))
    eq10 = [
        sum((a * b).sum() for a, b in zip(labelled, torch.autograd.grad(loss, list(params.values())), strict=True))
        for loss in [losses(params, u_mixed, p_mixed)[j] for j in range(LABELLED + UNLABELLED)]
    ]
    torch.testing.assert_close(eq9, -student.lr * torch.stack(eq10), rtol=1e-9, atol=1e-14)

    torch.manual_seed(7)
    step = method.loss(student, batch)
    torch.testing.assert_close(seen[0], eq9, rtol=1e-9, atol=1e-14)
    kept = eq9 < 0
    assert 0 < kept.sum() < len(kept)
    torch.testing.assert_close(step.loss, losses(params, u_mixed, p_mixed)[kept].mean(), rtol=1e-9, atol=0)  # Eq. (1)
    assert torch.equal(step.pseudo.selected, kept[LABELLED:])
    torch.testing.assert_close(step.log["kept"], kept.double().mean())


def test_a_sample_without_influence_is_dropped():
    weights = method_of("meta_semi").weigh(torch.tensor([-1e-30, 0.0, 1e-30]))
    assert weights.tolist() == [1, 0, 0]  # erratum S2


@pytest.mark.usefixtures("double")
def test_meta_semi_at_constant_weights_is_the_mean_of_the_mixed_losses():
    method, student, batch = method_of("meta_semi"), student_of("tiny"), batch_of("weak")
    method.setup(FACTS, student.net)
    method.weigh = torch.ones_like
    p = student.teacher(batch.u[0]).softmax(-1)
    _, _, u_mixed, p_mixed = mixtures(batch, p, method.beta, seed=7)
    torch.manual_seed(7)
    step = method.loss(student, batch)
    plain = soft_cross_entropy(student.net(u_mixed), p_mixed).mean()
    torch.testing.assert_close(step.loss, plain, rtol=1e-12, atol=0)
    assert step.log["kept"] == 1 and step.pseudo.selected.all()

    method.weigh = torch.zeros_like  # "0 where no sample is kept"
    step = method.loss(student, batch)
    assert step.loss == 0 and not step.pseudo.selected.any()
    assert all((g == 0).all() for g in torch.autograd.grad(step.loss, student.parameters))


@pytest.mark.usefixtures("double")
def test_eq_14_is_the_sum_of_its_terms():
    batch = batch_of("weak")
    both, alone, ict = method_of("meta_semi_ict"), method_of("meta_semi"), method_of("ict")
    students = [student_of("tiny") for _ in range(2)]
    for method in (both, alone, ict):
        method.setup(FACTS, students[0].net)
    for student in students:
        student.step = 20
    torch.manual_seed(7)
    step = both.loss(students[0], batch)
    torch.manual_seed(7)
    first = alone.loss(students[1], batch)
    second = ict.consistency(students[1], batch)
    assert second > 0
    assert torch.equal(step.loss, first.loss + second)
    assert torch.equal(step.log["consistency"], second)
    assert torch.equal(step.pseudo.selected, first.pseudo.selected)


def test_meta_semi_drops_wrong_pseudo_labels(assemble, monkeypatch):
    """On digits, with a teacher that is right about every other one, and without MixUp, which would blend the two."""
    parts: Parts = assemble("method=supervised", "protocol=demo", "protocol.optimizer.lr=0.05", "seed=1")
    for _ in range(20):
        parts.step()
    method = method_of("meta_semi")
    method.setup(parts.task.facts, parts.student.net)
    monkeypatch.setattr(functional, "mixing", lambda beta, like: torch.ones(()))
    loader = Loader(parts.task, method.views, batch=40, ratio=4, seed=0)
    kept, right = [], []
    for _ in range(3):
        batch = loader.next()
        hidden = parts.answers.hidden[batch.j]
        wrong = torch.arange(len(hidden)) % 2
        told = (hidden + wrong * torch.randint(1, 10, hidden.shape)) % 10
        monkeypatch.setattr(parts.student, "teacher", lambda u, told=told: 10 * F.one_hot(told, 10).float())
        pseudo = method.loss(parts.student, batch).pseudo
        assert torch.equal(pseudo.label, told)
        kept.append(pseudo.selected.float())
        right.append(wrong == 0)
    k, r = torch.cat(kept), torch.cat(right)
    assert k[r].mean() > 0.5 > k[~r].mean()
    assert k[r].mean() > k[~r].mean() + 0.2
