"""The lagged update of Meta-T."""

import copy
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from models import (
    FACTS,
    LABELLED,
    N_CLASSES,
    batch_of,
    equal,
    method_of,
    student_of,
)
from torch import Tensor
from trails import trail

from benchmarks.influence.engines import ENGINES
from benchmarks.training.student import Student
from methods.base import Batch, Method


def prepared(name: str) -> tuple[Method, Student, Batch]:
    method, student, batch = method_of(name, "slope=5"), student_of("tiny"), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    return method, student, batch


@pytest.mark.parametrize("engine", ["forward", "finite_difference", "higher"])
@pytest.mark.usefixtures("double")
def test_the_lagged_update_descends_the_look_ahead_s_objective(engine):
    method, student, batch = prepared("meta_t_lagged")
    student.engine = ENGINES[engine]
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    plain = student_of("tiny")
    method.p_bar.copy_(torch.rand(N_CLASSES, N_CLASSES))
    same = copy.deepcopy(method)
    same.observe(plain, p, batch.j)
    before = same.threshold(p, batch.j).detach()
    logits = plain.net(torch.cat([batch.x, batch.u[1]]))
    s = torch.sigmoid(5 * (p.amax(-1) - before))
    wanted = (
        F.cross_entropy(logits[:LABELLED], batch.y)
        + (s * F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")).mean()
    )
    step = method.loss(student, batch)
    torch.testing.assert_close(step.pseudo.threshold, before, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.loss, wanted, rtol=1e-12, atol=0)
    found = torch.autograd.grad(2 * step.loss + 1, student.parameters)
    for a, b in zip(found, torch.autograd.grad(2 * wanted, plain.parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)
    after = method.threshold(p, batch.j)
    assert (after - before).abs().min() > 0  # and yet the thresholds have learned


@pytest.mark.usefixtures("double")
def test_the_lagged_update_learns_the_thresholds_as_the_exact_one():
    thetas = []
    for name in ("meta_t", "meta_t_lagged"):
        torch.manual_seed(4)
        method, student, batch = prepared(name)
        method.loss(student, batch)
        thetas.append([p.detach().clone() for p in method.tgn.parameters()])
    assert equal(*thetas)


@pytest.mark.parametrize(("name", "passes"), [("meta_t", 3), ("meta_t_lagged", 2)])
def test_the_lagged_update_saves_a_backward_pass(name, passes):
    method, student, batch = prepared(name)
    calls: list[Tensor] = []
    student.net.register_forward_hook(
        lambda net, args, out: out.register_hook(calls.append) and None if out.requires_grad else None
    )
    for step in range(1, 3):
        student.descend(method.loss(student, batch).loss)
        assert len(calls) == step * passes


def test_the_lagged_update_trains_and_differs_from_the_exact_one(assemble):
    _, _, exact = trail("meta_t", assemble, "slope=5")
    steps, thetas, parts = trail("meta_t_lagged", assemble, "slope=5")
    assert not equal(exact.student.parameters, parts.student.parameters)
    assert all(not equal(a, b) for a, b in pairwise(thetas))
    assert all(step.loss.isfinite() and "meta_gradient" in step.log for step in steps)
