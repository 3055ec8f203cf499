"""Meta-T's other readings, each against the default or an independent computation."""

from types import SimpleNamespace

import higher
import pytest
import torch
import torch.nn.functional as F
from models import FACTS, LABELLED, N_CLASSES, batch_of, equal, method_of, relative, student_of
from torch import Tensor, nn

from benchmarks.influence.engines import ENGINES
from benchmarks.training.student import Student
from methods.base import Batch, Facts, Method


def prepared(name: str) -> tuple[Method, Student, Batch]:
    torch.manual_seed(4)
    method, student, batch = method_of(name, "slope=5"), student_of("tiny"), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    return method, student, batch


def learned(method: Method) -> list[Tensor]:
    return [p.detach().clone() for p in method.tgn.parameters()]


@pytest.mark.usefixtures("double")
def test_the_indicator_of_the_update_leaves_the_look_ahead_alone():
    (soft, student, batch), (hard, other, _) = prepared("meta_t"), prepared("meta_t_hard")
    soft.loss(student, batch)
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    tau = p.amax(-1).median()
    select = hard.selection
    hard.selection = lambda p, target, j: select(p, target, j)._replace(threshold=tau.expand(len(j)))
    step = hard.loss(other, batch)
    assert equal(learned(soft), learned(hard))
    with torch.no_grad():
        logits = student_of("tiny").net(torch.cat([batch.x, batch.u[1]]))
        losses = F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")
        above = p.amax(-1) > tau
        wanted = F.cross_entropy(logits[:LABELLED], batch.y) + losses[above].sum() / len(losses)
    assert 0 < above.sum() < len(above)
    torch.testing.assert_close(step.loss.detach(), wanted, rtol=1e-12, atol=0)


def test_p_bar_over_all_inputs_takes_each_as_it_was_last_seen():
    method = method_of("meta_t_cached")
    method.setup(Facts(3, torch.arange(3), torch.ones(3), 5), nn.Identity())
    p = torch.tensor([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    method.observe(SimpleNamespace(), p, torch.tensor([4, 0, 2]))
    third = 1 / 3
    torch.testing.assert_close(method.p_bar, torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [third] * 3]))
    again = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.5, 0.2], [0.4, 0.35, 0.25]])
    method.observe(SimpleNamespace(), again, torch.tensor([4, 4, 1]))  # input 4 twice: the later one counts
    first, second = (p[1] + again[2]) / 2, (p[2] + again[1]) / 2
    torch.testing.assert_close(method.p_bar, torch.stack([first, second, torch.full((3,), third)]))


@pytest.mark.usefixtures("double")
def test_the_meta_batch_of_its_own_is_the_labelled_batch_of_the_step_before():
    method, student, first = prepared("meta_t_apart")
    second = batch_of("weak", "strong", seed=9)
    assert not torch.equal(first.x, second.x)
    for batch, meta in ((first, first), (second, first)):
        reference, tgn = student_of("tiny").net, [p.detach().clone() for p in method.tgn.parameters()]
        with torch.no_grad():
            p = student_of("tiny").net(batch.u[0]).softmax(-1)
        step = method.loss(student, batch)
        hidden = [p.requires_grad_() for p in tgn]
        inputs = torch.cat([p, method.p_bar[p.argmax(-1)]], 1)
        tau = torch.sigmoid(F.relu(inputs @ hidden[0].T + hidden[1]) @ hidden[2].T + hidden[3])[:, 0]
        s = torch.sigmoid(5 * (p.amax(-1) - tau))
        with higher.innerloop_ctx(reference, torch.optim.SGD(reference.parameters(), lr=student.lr)) as (net, descent):
            logits = net(torch.cat([batch.x, batch.u[1]]))
            losses = F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")
            descent.step(F.cross_entropy(logits[:LABELLED], batch.y) + (s * losses).mean())
            wanted = torch.autograd.grad(F.cross_entropy(net(meta.x), meta.y), hidden)
        found = [p.grad for p in method.tgn.parameters()]
        assert all(relative(g, w) < 1e-9 for g, w in zip(found, wanted, strict=True))
        assert step.loss.isfinite()


@pytest.mark.usefixtures("double")
def test_what_is_logged_of_the_look_ahead():
    method, student, batch = prepared("meta_t")
    student.engine = ENGINES["higher"]
    found: list[Tensor] = []
    influence = student.influence
    student.influence = lambda *args: found.append(influence(*args)) or found[-1]
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    method.p_bar.copy_(torch.full((N_CLASSES, N_CLASSES), 1 / N_CLASSES))
    step = method.loss(student, batch)
    assert step.log["negative"] == (found[0][0] < 0).double().mean()
    same = prepared("meta_t")[0]
    same.observe(student, p, batch.j)
    near = (p.amax(-1) - same.threshold(p, batch.j)).abs() < 0.05
    assert step.log["band"] == near.double().mean()
