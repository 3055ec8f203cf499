"""The contract that every method keeps in a step.

Every conf/method/*.yaml is tested; a new one is taken up by itself.
"""

import ast
import copy
import dataclasses
import inspect
from pathlib import Path

import pytest
import torch
from contract import (
    class_of,
    every_method,
    every_unsupervised,
    midway,
    same,
    smoke,
    state,
    tensors,
)

from benchmarks.assemble import make
from benchmarks.config import compose
from benchmarks.data.task import Answers
from benchmarks.errors import UserError
from methods.base import Batch, Method

#: whose pseudo-labels are not of the predictions as they were
ALIGNING = {"adsh", "comatch", "crest_plus", "simmatch", "soft_match"}


@every_method
def test_the_loss_is_a_finite_scalar(name, assemble):
    parts = assemble(*smoke(name))
    for _ in range(3):
        step = parts.step()
        assert step.loss.shape == ()
        assert torch.isfinite(step.loss)
        assert all(value.shape == () and torch.isfinite(value) for value in step.log.values())


@every_method
def test_a_step_says_what_it_made_of_each_unlabelled_input(name, assemble):
    parts = assemble(*smoke(name))
    batch = parts.loader.next()
    pseudo = parts.method.loss(parts.student, batch).pseudo
    if not parts.method.views:
        assert pseudo is None
        return
    assert all(field.shape == batch.j.shape for field in pseudo)
    assert pseudo.label.dtype == torch.int64 and pseudo.selected.dtype == torch.bool
    assert pseudo.confidence.min() >= 0 and pseudo.confidence.max() <= 1
    assert not any(field.requires_grad for field in pseudo)


@every_method
def test_every_parameter_of_the_student_gets_a_gradient_and_nothing_else_does(name, assemble):
    parts = midway(assemble(*smoke(name)))
    batch = parts.loader.next()
    trained = dict(parts.student.net.named_parameters())
    step = parts.method.loss(parts.student, batch)
    # Meta-networks are the method's own to train: it may have done so, but the loss must not reach them.
    others = [*parts.student.average.parameters(), *parts.method.parameters()]
    before = [p.grad for p in others]
    gradients = torch.autograd.grad(step.loss, list(trained.values()), allow_unused=True, retain_graph=True)
    assert all(p.requires_grad for p in trained.values())
    without = [key for key, g in zip(trained, gradients, strict=True) if g is None or not g.abs().sum() > 0]
    assert not without

    for p in trained.values():
        p.grad = None
    step.loss.backward()
    assert all(p.grad is g for p, g in zip(others, before, strict=True))
    data = [*batch.u, batch.x, *tensors([parts.task, parts.answers])]
    assert not any(t.requires_grad or t.grad is not None for t in data)
    assert not any(t.requires_grad for t in parts.method.buffers())


@every_method
def test_the_loss_leaves_the_student_s_weights_to_the_trainer(name, assemble):
    parts = assemble(*smoke(name))
    weights = [p.clone() for p in (*parts.student.net.parameters(), *parts.student.average.parameters())]
    average = [b.clone() for b in parts.student.average.buffers()]
    parts.method.loss(parts.student, parts.loader.next())
    now = [*parts.student.net.parameters(), *parts.student.average.parameters()]
    assert same(weights, now)
    if not parts.method.own_statistics:  # else they follow what the average labels
        assert same(average, list(parts.student.average.buffers()))
    assert all(p.grad is None for p in now)
    assert parts.student.step == 0


@every_unsupervised
def test_the_unsupervised_term_is_positive_and_moves_the_student(name, assemble):
    parts = midway(assemble(*smoke(name)))
    parts.student.net.eval()  # or unlabelled inputs would move the labelled term too, through batch norm's statistics
    batch = parts.loader.next()
    other = parts.loader.next()  # strong views of other inputs, or other inputs where there is one view alone
    u = (*batch.u[:1], *other.u[1:]) if len(batch.u) > 1 else other.u
    gradients = []
    for views in (batch.u, u):
        method, student = copy.deepcopy((parts.method, parts.student))
        torch.manual_seed(1)
        step = method.loss(student, batch._replace(u=views))
        assert step.log["loss_u"] > 0 or name == "meta_semi_signed"  # whose weights are -1 and 1
        gradients.append(torch.autograd.grad(step.loss, student.parameters))
    distance = sum((a - b).square().sum() for a, b in zip(*gradients, strict=True)).sqrt()
    assert distance > 1e-3 * sum(a.square().sum() for a in gradients[0]).sqrt()


@every_method
def test_a_final_pass_changes_nothing(name, assemble):
    parts = assemble(*smoke(name))
    for _ in range(2):
        parts.step()
    before = state(parts)
    j = torch.arange(len(parts.task.unlabelled))
    with torch.no_grad():
        p = torch.randn(len(j), parts.task.n_classes).softmax(-1)
        pseudo = parts.method.pseudo(p, j)
    if name not in ALIGNING:
        assert torch.equal(pseudo.label, p.argmax(-1)) and torch.equal(pseudo.confidence, p.amax(-1))
    assert same(before, state(parts))


def test_a_batch_and_a_task_have_no_room_for_hidden_labels(assemble):
    parts = assemble("scale=smoke")
    assert Batch._fields == ("x", "y", "i", "u", "j")
    assert {f.name for f in dataclasses.fields(parts.task)} == {
        "labelled",
        "unlabelled",
        "n_classes",
        "balanced",
        "known",
    }
    assert not {f.name for f in dataclasses.fields(parts.task)} & {f.name for f in dataclasses.fields(Answers)}


@every_method
def test_hidden_labels_cannot_be_reached(name, assemble):
    parts = assemble(*smoke(name), "task.include_labelled=false")
    secret = {t.untyped_storage().data_ptr() for t in tensors(parts.answers)}
    assert parts.answers.hidden.untyped_storage().data_ptr() in secret and len(secret) == 5
    batch = parts.loader.next()
    parts.method.loss(parts.student, batch)
    sight = list(tensors([parts.method, parts.student, batch, parts.task, parts.task.facts]))
    assert any(t is parts.task.unlabelled.pixels for t in sight)  # the search does find things
    assert any(t is p for t in sight for p in parts.student.parameters)
    assert not any(t.untyped_storage().data_ptr() in secret for t in sight)
    assert not any(t.shape == parts.answers.hidden.shape and torch.equal(t, parts.answers.hidden) for t in sight)


@every_method
def test_same_seed_same_bits(name, assemble):
    ends = []
    for _ in range(2):
        parts = assemble(*smoke(name), "seed=3")
        for _ in range(3):
            parts.step()
        ends.append(state(parts))
    assert same(*ends)


@every_method
def test_another_seed_another_order(name, assemble):
    first, second = (assemble(*smoke(name), f"seed={seed}") for seed in (0, 1))
    a, b = first.loader.next(), second.loader.next()
    assert not torch.equal(a.i, b.i)
    if first.method.views:
        assert not torch.equal(a.j, b.j)
    weights = zip(first.student.net.parameters(), second.student.net.parameters(), strict=True)
    assert any(not torch.equal(p, q) for p, q in weights)


@every_method
def test_yaml_is_the_home_of_every_number(name):
    method = make(compose([f"method={name}"]).method)
    assert isinstance(method, Method)
    for cls in type(method).__mro__[: type(method).__mro__.index(Method)]:
        if "__init__" not in vars(cls):
            continue
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        for parameter in parameters:
            assert parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD), f"{cls.__name__}: {parameter}"
            assert parameter.default is parameter.empty, f"{cls.__name__}: {parameter}"
    assert not list(method.parameters()) and not list(method.buffers()), "made before `setup`"


@every_method
def test_a_method_has_a_name_a_docstring_and_views(name):
    cls = class_of(name)
    assert compose([f"method={name}"]).method.name == name
    assert len(vars(cls)["__doc__"]) > 10
    assert set(cls.views) <= {"plain", "weak", "strong"}
    assert ast.get_docstring(ast.parse(Path(inspect.getfile(cls)).read_text()))


def test_green_meta_t_refuses_k_0():
    with pytest.raises(UserError, match=r"method\.k=0 is not possible: it must be a whole number of at least 1"):
        compose(["method=green_meta_t", "method.k=0"])
