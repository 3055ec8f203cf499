"""What FixMatch and its successors share: the hooks, and batch norm split or joint."""

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from toy import FACTS, MU, B, ToyNet, batch_of, same, statistics, student_of

from methods.base import Batch
from methods.dash import DashTorchSSL
from methods.fixmatch import FixMatch
from methods.flexmatch import FlexMatch
from methods.meta_t import GreenMetaT, LaggedMetaT, MetaT
from methods.thresholding import Thresholding, above

TAU, LAMBDA = 0.4, 2.0


def fixmatch(batch_norm: str) -> FixMatch:
    return FixMatch(tau=TAU, lambda_u=LAMBDA, batch_norm=batch_norm)


def meta_t(batch_norm: str, kind: type[MetaT] = MetaT, **more: int) -> MetaT:
    torch.manual_seed(5)
    made = kind(
        hidden=[7], slope=5.0, momentum=0.9, optimizer=partial(torch.optim.SGD, lr=0.0), schedule=lambda t: 1.0,
        lambda_u=LAMBDA, batch_norm=batch_norm, labelled_ahead=True, **more,
    )  # fmt: skip
    made.setup(FACTS, ToyNet())
    return made


def double(batch: Batch) -> Batch:
    return batch._replace(x=batch.x.double(), u=tuple(u.double() for u in batch.u))


def objective(z: Tensor, batch: Batch, gate: Callable[[Tensor], Tensor]) -> Tensor:
    """Eq. (2) of logits of all rows in one pass, as FixMatch's code has them: [x, weak, strong]."""
    n = MU * B
    x, weak, strong = z[:B], z[B : B + n].detach(), z[B + n :]
    confidence, label = weak.softmax(-1).max(-1)
    losses = -strong.log_softmax(-1)[torch.arange(n), label]
    return -x.log_softmax(-1)[torch.arange(B), batch.y].mean() + LAMBDA * (gate(confidence) * losses).sum() / n


def test_joint_is_one_pass_by_hand():
    """Loss, gradient and running statistics."""
    student, batch = student_of(), batch_of(2)
    reference, b = copy.deepcopy(student.net).double(), double(batch)
    expected = objective(reference(torch.cat([b.x, *b.u])), b, lambda confidence: (confidence > TAU).double())
    expected.backward()

    passes = []
    student.net.register_forward_hook(lambda *_: passes.append(1))
    step = fixmatch("joint").loss(student, batch)
    assert 0 < step.pseudo.selected.sum() < MU * B
    assert len(passes) == 1
    assert step.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    for p, r in zip(torch.autograd.grad(step.loss, student.parameters), reference.parameters(), strict=True):
        torch.testing.assert_close(p, r.grad.float(), atol=1e-6, rtol=1e-5)
    for s, r in zip(statistics(student.net), statistics(reference), strict=True):
        torch.testing.assert_close(s, r.to(s.dtype), atol=1e-6, rtol=0)


def test_split_is_a_pass_for_the_weak_views_and_one_for_the_others():
    student, batch = student_of(), batch_of(2)
    reference, b = copy.deepcopy(student.net).double(), double(batch)
    with torch.no_grad():
        weak = reference(b.u[0])
    z = reference(torch.cat([b.x, b.u[1]]))
    z = torch.cat([z[:B], weak, z[B:]])
    expected = objective(z, b, lambda confidence: (confidence > TAU).double())
    step = fixmatch("split").loss(student, batch)
    assert step.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    for s, r in zip(statistics(student.net), statistics(reference), strict=True):
        torch.testing.assert_close(s, r.to(s.dtype), atol=1e-6, rtol=0)
    joint = fixmatch("joint").loss(student_of(), batch)
    assert abs(joint.loss.item() - expected.item()) > 1e-3


def test_the_weak_rows_reach_the_loss_by_the_batch_s_statistics_alone():
    student, batch = student_of(), batch_of(2)
    weak = batch.u[0].requires_grad_()
    (joint,) = torch.autograd.grad(fixmatch("joint").loss(student, batch).loss, weak)
    assert joint.abs().max() > 0
    student.net.eval()
    (alone,) = torch.autograd.grad(fixmatch("joint").loss(student, batch).loss, weak)
    assert alone.abs().max() == 0


@pytest.mark.parametrize("batch_norm", ["split", "joint"])
@pytest.mark.parametrize("kind", [FlexMatch, DashTorchSSL])
def test_its_successors_have_both(kind, batch_norm):
    own = {"C": 1.0, "gamma": 1.1, "rho_min": 0.05, "warm_up": 0.1, "period": 0.1}
    numbers = own if kind is DashTorchSSL else {"tau": TAU}
    m = kind(**numbers, lambda_u=1.0, batch_norm=batch_norm)
    student = student_of()
    m.setup(FACTS, ToyNet())
    passes = []
    student.net.register_forward_hook(lambda *_: passes.append(1))
    assert m.loss(student, batch_of(2)).loss > 0
    assert len(passes) == (1 if batch_norm == "joint" else 2)


def unrolled(net: nn.Module, m: MetaT, b: Batch, p: Tensor, lr: float) -> list[Tensor]:
    """grad_Theta of the labelled loss at w_hat(Theta), by reverse mode over reverse mode, float64."""
    w = dict(net.named_parameters())
    z = functional_call(net, w, (torch.cat([b.x, *b.u]),))
    theta = copy.deepcopy(m.tgn).double()
    tau = theta(torch.cat([p, m.p_bar.double()[p.argmax(-1)]], -1))
    inner = objective(z, b, lambda confidence: torch.sigmoid(5.0 * (confidence - tau)))
    g = torch.autograd.grad(inner, list(w.values()), create_graph=True)
    ahead = {name: v - lr * d for (name, v), d in zip(w.items(), g, strict=True)}
    meta = F.cross_entropy(functional_call(net, ahead, (b.x,)), b.y)
    return list(torch.autograd.grad(meta, list(theta.parameters())))


@pytest.mark.parametrize("kind", [MetaT, LaggedMetaT])
def test_joint_meta_t_is_the_bi_level_step_by_hand(kind):
    student, batch, m = student_of(), batch_of(2), meta_t("joint", kind)
    b, net = double(batch), copy.deepcopy(student.net).double()
    once = copy.deepcopy(net)
    z = once(torch.cat([b.x, *b.u]))
    p = z[B : B + MU * B].detach().softmax(-1)

    before = copy.deepcopy(m)
    step = m.loss(student, batch)
    assert not torch.equal(m.p_bar, before.p_bar)
    gradient = unrolled(copy.deepcopy(net), m, b, p, student.lr)
    for theta, g in zip(m.tgn.parameters(), gradient, strict=True):
        torch.testing.assert_close(theta.grad, g.float(), atol=1e-6, rtol=1e-3)
    tau = copy.deepcopy(m.tgn).double()(torch.cat([p, m.p_bar.double()[p.argmax(-1)]], -1)).detach()
    expected = objective(z, b, lambda confidence: torch.sigmoid(5.0 * (confidence - tau)))
    assert step.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    for s, r in zip(statistics(student.net), statistics(once), strict=True):  # moved once
        torch.testing.assert_close(s, r.to(s.dtype), atol=1e-6, rtol=0)


def test_green_meta_t_is_one_joint_pass_on_its_other_steps():
    student, m = student_of(done=51), meta_t("joint", GreenMetaT, k=2)
    passes = []
    student.net.register_forward_hook(lambda *_: passes.append(1))
    m.loss(student, batch_of(2))
    assert len(passes) == 1 and m.optimizer.state_dict()["state"] == {}


def test_a_hook_sees_what_the_hooks_before_it_made():
    said = []

    class Talking(Thresholding):
        def observe(self, student, p, j):
            said.append(("observe", p))
            return {"seen": p.sum()}

        def refine(self, p, j):
            said.append(("refine", p))
            return p.flip(-1)

        def target(self, p, refined):
            said.append(("target", p, refined))
            return refined

        def supervise(self, logits, y):
            said.append(("supervise", logits))
            return logits.sum() * 0

        def threshold(self, p, j):
            said.append(("threshold", p))
            return torch.full((len(p),), 0.4)

        def gate(self, confidence, tau):
            said.append(("gate", confidence, tau))
            return confidence

        def regularise(self, logits, guess, j):
            said.append(("regularise", logits, guess))
            return torch.tensor(7.0)

    student, batch = student_of(), batch_of(2)
    p = copy.deepcopy(student.net)(batch.u[0]).softmax(-1)
    step = Talking(lambda_u=1.0, batch_norm="split").loss(student, batch)
    assert [name for name, *_ in said] == [
        "observe", "refine", "target", "supervise", "regularise", "threshold", "gate",
    ]  # fmt: skip
    made = {name: values for name, *values in said}
    torch.testing.assert_close(made["observe"][0], p)
    torch.testing.assert_close(made["target"][1], p.flip(-1))
    torch.testing.assert_close(made["threshold"][0], p.flip(-1))
    torch.testing.assert_close(made["gate"][0], p.amax(-1))
    assert made["supervise"][0].shape[0] == B and made["regularise"][0].shape[0] == MU * B
    assert step.log["seen"] > 0 and step.loss.item() == pytest.approx(7 + step.log["loss_u"].item(), rel=1e-6)
    assert torch.equal(step.pseudo.label, p.flip(-1).argmax(-1))


def test_above_is_strict():
    p = torch.tensor([[0.5, 0.25, 0.25], [0.75, 0.125, 0.125]])
    label, confidence, threshold, selected = above(p, 0.5)
    assert label.tolist() == [0, 0] and confidence.tolist() == [0.5, 0.75]
    assert threshold.tolist() == [0.5, 0.5] and selected.tolist() == [False, True]
    assert same([above(p, 0.25).selected], [torch.tensor([True, True])])
