"""Meta-T: its thresholds and how they learn."""

import copy
from functools import partial
from types import SimpleNamespace

import higher
import pytest
import torch
import torch.nn.functional as F
from models import (
    FACTS,
    LABELLED,
    N_CLASSES,
    batch_of,
    method_of,
    relative,
    student_of,
)
from torch import Tensor, nn

from benchmarks.training.schedules import constant
from benchmarks.training.student import Student
from methods.base import Batch, Facts, Inner, Net


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("slope", [5, 100])
@pytest.mark.parametrize("kind", ["tf", "torchssl", "cnn13"])
@pytest.mark.usefixtures("double")
def test_the_gradient_of_the_tgn_is_that_of_the_unrolled_step(kind, slope, ahead):
    """Eq. (17)'s chain rule against Theta -> S -> w_hat -> L_meta in one graph, unrolled by `higher`."""
    method = method_of("meta_t", f"slope={slope}", f"labelled_ahead={ahead}")
    student, batch = student_of(kind), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    weak, strong = batch.u
    reference = copy.deepcopy(student.net)
    tgn = copy.deepcopy(method.tgn)
    with torch.no_grad():
        p = reference(weak).softmax(-1)
    confidence, y_hat = p.max(-1)
    p_bar = torch.full((N_CLASSES, N_CLASSES), 1 / N_CLASSES)
    for c in y_hat.unique():
        p_bar[c] += (1 - method.momentum) * (p[y_hat == c].mean(0) - p_bar[c])
    s = 1 / (1 + torch.exp(-slope * (confidence - tgn(torch.cat([p, p_bar[y_hat]], 1)))))
    with higher.innerloop_ctx(reference, torch.optim.SGD(reference.parameters(), lr=student.lr)) as (net, descent):
        logits = net(torch.cat([batch.x, strong]))
        unsupervised = (s * F.cross_entropy(logits[LABELLED:], y_hat, reduction="none")).mean()
        descent.step(F.cross_entropy(logits[:LABELLED], batch.y) * ahead + unsupervised)
        wanted = torch.autograd.grad(F.cross_entropy(net(batch.x), batch.y), list(tgn.parameters()))

    step = method.loss(student, batch)
    found = [p.grad for p in method.tgn.parameters()]
    assert all(g.abs().max() > 0 for g in found)
    assert all(relative(g, w) < 1e-9 for g, w in zip(found, wanted, strict=True))
    norm = torch.cat([g.flatten() for g in found]).norm()
    torch.testing.assert_close(step.log["meta_gradient"], norm)
    with torch.no_grad():  # the update has both losses, whatever the look-ahead has
        logits = student_of(kind).net(torch.cat([batch.x, strong]))
        s = 1 / (1 + torch.exp(-slope * (confidence - method.tgn(torch.cat([p, p_bar[y_hat]], 1)))))
        both = F.cross_entropy(logits[:LABELLED], batch.y)
        both += (s * F.cross_entropy(logits[LABELLED:], y_hat, reduction="none")).mean()
    torch.testing.assert_close(step.loss.detach(), both, rtol=1e-9, atol=0)


def test_p_bar_is_a_running_mean_of_what_is_predicted_c():
    method = method_of("meta_t", "momentum=0.9")
    method.setup(Facts(3, torch.arange(3), torch.ones(3), 6), nn.Identity())
    p = torch.tensor([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    method.observe(SimpleNamespace(), p, torch.arange(3))
    third = 1 / 3
    after = [
        [0.9 * third + 0.1 * 0.7, 0.9 * third + 0.1 * 0.2, 0.9 * third + 0.1 * 0.1],
        [0.9 * third + 0.1 * 0.2, 0.9 * third + 0.1 * 0.7, 0.9 * third + 0.1 * 0.1],
        [third, third, third],  # nobody was predicted class 2
    ]
    torch.testing.assert_close(method.p_bar, torch.tensor(after))
    before = method.p_bar.clone()
    method.pseudo(p, torch.arange(3))  # asking for thresholds is not observing
    assert torch.equal(method.p_bar, before)
    method.observe(SimpleNamespace(), p[:1], torch.arange(1))
    torch.testing.assert_close(method.p_bar[0], 0.9 * before[0] + 0.1 * p[0])
    assert torch.equal(method.p_bar[1:], before[1:])


def test_the_tgn_sees_the_prediction_and_its_class_s_mean():
    method = method_of("meta_t")
    method.setup(Facts(3, torch.arange(3), torch.ones(3), 6), nn.Identity())
    method.p_bar.copy_(torch.rand(3, 3))
    p = torch.randn(5, 3).softmax(-1)
    inputs: list[Tensor] = []
    method.tgn.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    tau = method.threshold(p, torch.arange(5))
    assert tau.shape == (5,) and ((tau > 0) & (tau < 1)).all()
    rows = [torch.cat([row, method.p_bar[row.argmax()]]) for row in p]
    assert torch.equal(inputs[0], torch.stack(rows))
    shapes = [tuple(w.shape) for w in method.tgn.parameters()]
    assert shapes == [(100, 6), (100,), (1, 100), (1,)]  # {2C, 100, 1}


def test_the_update_uses_the_thresholds_just_learned():
    """Eq. (10): w descends with the new Theta."""
    method, student, batch = method_of("meta_t", "slope=5"), student_of("tiny"), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    for group in method.optimizer.param_groups:
        group["lr"] = 0.1
    method.lr = 0.1
    old = method.threshold(student_of("tiny").predict(batch.u[0]).softmax(-1), batch.j)
    step = method.loss(student, batch)
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    new = method.threshold(p, batch.j)
    torch.testing.assert_close(step.pseudo.threshold, new)
    assert (new - old).abs().min() > 1e-3
    logits = student_of("tiny").net(torch.cat([batch.x, batch.u[1]]))
    s = torch.sigmoid(5 * (p.amax(-1) - new))
    wanted = (
        F.cross_entropy(logits[:LABELLED], batch.y)
        + (s * F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")).mean()
    )
    torch.testing.assert_close(step.loss, wanted)


@pytest.mark.parametrize("truth", [(0, 1, 2), (1, 2, 0), (1, 1, 2)], ids=["right", "wrong", "class 0 wrong"])
def test_learned_thresholds_keep_harmful_pseudo_labels_out(truth):
    """Weak views of class 0, 1, 2 with strong views of class `truth`: where they differ, learning them hurts."""
    torch.manual_seed(0)
    centre = 2 * torch.eye(3, 6)
    y, seen = torch.arange(3).repeat(4), torch.tensor(truth).repeat(4)
    wrong = seen != y

    def views(classes: Tensor) -> Tensor:
        return centre[classes] + 0.3 * torch.randn(len(classes), 6)

    student = Student(
        nn.Linear(6, 3), optimizer=partial(torch.optim.SGD, lr=0.1), schedule=constant, decay=0.9, steps=1000
    )
    for _ in range(20):
        student.descend(F.cross_entropy(student.net(views(y)), y))
    method = method_of("meta_t", "slope=5")
    method.setup(Facts(3, torch.arange(12) % 3, torch.full((3,), 4), 12), student.net)
    p = student.predict(views(y)).softmax(-1)
    assert torch.equal(p.argmax(-1), y)

    def inner(net: Net) -> Inner:
        return Inner(F.cross_entropy(net(views(seen)), y, reduction="none") / 12)

    influence, _ = student.influence(inner, lambda net: F.cross_entropy(net(views(y)), y), torch.zeros(12))
    assert torch.equal(influence > 0, wrong)

    before = method.threshold(p, torch.arange(12)).detach()
    for _ in range(10):
        method.loss(student, Batch(views(y), y, torch.arange(12), (views(y), views(seen)), torch.arange(12)))
    rise = method.threshold(p, torch.arange(12)).detach() - before
    if wrong.all() or not wrong.any():
        assert torch.equal(rise > 0, wrong)
    else:  # one network serves all classes: the harmful one's thresholds rise most
        assert rise[wrong].min() > rise[~wrong].max()
