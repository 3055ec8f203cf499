"""UDA's equation: what is sharpened, what is masked, and training signal annealing."""

import math

import numpy as np
import pytest
import torch
from toy import FACTS, MU, B, C, H, ToyNet, batch_of, logits, softmax, student_of

from methods.uda import UDA


def method(tsa: str = "none", tau: float = 0.4, T: float = 0.4) -> UDA:
    made = UDA(tau=tau, T=T, tsa=tsa, lambda_u=2.0, batch_norm="split")
    made.setup(FACTS, ToyNet())
    return made


ALPHA = {
    "none": lambda t: 1.0,
    "linear": lambda t: t,
    "log": lambda t: 1 - math.exp(-5 * t),
    "exp": lambda t: math.exp(5 * (t - 1)),
}


@pytest.mark.parametrize("done", [0, 5, 50, 99])
@pytest.mark.parametrize("tsa", ALPHA)
def test_equation(tsa, done):
    student, batch = student_of(done=done), batch_of(2)
    weak = logits(student.net, batch.u[0])
    both = softmax(logits(student.net, torch.cat([batch.x, batch.u[1]])))
    x, strong = both[:B], both[B:]
    mask = softmax(weak).max(-1) > 0.4  # of the prediction as it was: sharpened, more would pass
    assert 0 < mask.sum() < (softmax(weak / 0.4).max(-1) > 0.4).sum()
    target = softmax(weak / 0.4)  # the weak view alone is sharpened
    unsupervised = 2 * (mask * -(target * np.log(strong)).sum(-1)).sum() / (MU * B)
    eta = ALPHA[tsa](done / 100) * (1 - 1 / C) + 1 / C
    true = x[np.arange(B), batch.y]
    learns = true <= eta
    supervised = (learns * -np.log(true)).sum() / max(learns.sum(), 1)
    assert tsa != "none" or supervised == pytest.approx(H(batch.y, x))
    step = method(tsa).loss(student, batch)
    assert step.loss.item() == pytest.approx(supervised + unsupervised, abs=1e-6)
    assert step.log["loss_u"].item() == pytest.approx(unsupervised, abs=1e-6)


def test_annealing_leaves_out_what_is_known_too_well():
    m, y = method("linear"), torch.tensor([0, 0])
    z = torch.tensor([[3.0, 0, 0], [0.1, 0, 0]], requires_grad=True)  # p = 0.91 and 0.36
    m.eta.fill_(0.5)
    loss = m.supervise(z, y)
    assert loss.item() == pytest.approx(-math.log(math.exp(0.1) / (math.exp(0.1) + 2)), abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, z)
    assert gradient[0].eq(0).all() and gradient[1].ne(0).all()
    m.eta.fill_(0.2)
    assert m.supervise(z, y) == 0  # none is left
    m.eta.fill_(1.0)
    certain = torch.tensor([[100.0, 0, 0]])
    assert m.supervise(torch.cat([z, certain]), torch.zeros(3, dtype=torch.int64)) > 0


@pytest.mark.parametrize("n", [2, 3, 7, 10, 49, 100, 1000])
def test_without_annealing_nothing_is_left_out_for_any_number_of_classes(n):
    m = method()
    m.observe(student_of(), torch.full((4, n), 1 / n), torch.arange(4))
    assert m.eta == 1.0


def test_it_is_the_divergence_but_for_the_target_s_entropy():
    student, batch, m = student_of(), batch_of(2), method(tau=0.0)
    weak = torch.tensor(softmax(logits(student.net, batch.u[0])))
    q = (weak**2.5) / (weak**2.5).sum(-1, keepdim=True)
    z = student.net(torch.cat([batch.x, batch.u[1]]))
    divergence = torch.nn.functional.kl_div(z[B:].log_softmax(-1), q.float(), reduction="batchmean")
    parameters = student.parameters
    expected = torch.autograd.grad(2 * divergence + torch.nn.functional.cross_entropy(z[:B], batch.y), parameters)
    for g, e in zip(torch.autograd.grad(m.loss(student, batch).loss, parameters), expected, strict=True):
        torch.testing.assert_close(g, e, atol=1e-6, rtol=1e-4)
