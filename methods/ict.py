"""Interpolation consistency training (Verma et al., IJCAI 2019)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.base import Batch, Facts, Method, Step, Student
from methods.functional import cross_entropy, mix, mixing, mixup, one_hot, ramp_up
from methods.options import NonNegative, Positive, Share


class ICT(Method):
    """L = 1/B sum_i H(y~_i, f(x~_i)) + w(t) 1/(mu B) sum_j MSE(softmax f(u~_j), softmax(lambda z_j + (1-lambda) z_k))

    with u~_j = lambda u_j + (1-lambda) u_k, z = logits of the running average, lambda ~ Beta(beta, beta), one a batch;
    (x~, y~) = MixUp of the labelled batch; w(t) = w_max exp(-5 (1 - t)^2) over the first `ramp` of the training.

    As in the authors' code, un-mixed inputs pass once more without gradient, for batch norm's running statistics; and
    the average labels with the batch's statistics, and is graded with running ones of its own, of what it labelled.
    """

    views = ("weak",)
    own_statistics = True

    def __init__(self, *, beta: Positive, w_max: NonNegative, ramp: Share) -> None:
        super().__init__()
        self.beta, self.w_max, self.ramp = beta, w_max, ramp

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.n_classes = facts.n_classes
        return net

    def consistency(self, student: Student, batch: Batch) -> Tensor:
        """w(t) times the consistency term, a scalar; what Eq. (14) of Meta-Semi adds."""
        (u,) = batch.u
        lam, order = mixing(self.beta, u), torch.randperm(len(u), device=u.device)
        target = mix(student.teacher(u), order, lam).softmax(-1)
        w = student.now(lambda t: self.w_max * ramp_up(t, self.ramp))
        return w * F.mse_loss(student.net(mix(u, order, lam)).softmax(-1), target)

    def loss(self, student: Student, batch: Batch) -> Step:
        p = student.predict(torch.cat([batch.x, *batch.u]))[len(batch.x) :].softmax(-1)
        x, y = mixup(batch.x, one_hot(batch.y, self.n_classes), self.beta)
        supervised = cross_entropy(student.net(x), y).mean()
        unsupervised = self.consistency(student, batch)
        log = {"loss_s": supervised, "loss_u": unsupervised}
        return Step(supervised + unsupervised, log, self.pseudo(p, batch.j))
