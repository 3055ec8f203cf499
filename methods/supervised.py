"""Labelled data alone: the lower line of every table, and with all labels its upper one."""

from torch import nn

from methods.base import Batch, Facts, Method, Step, Student
from methods.functional import cross_entropy, mixup, one_hot
from methods.options import Positive


class Supervised(Method):
    """L = 1/B sum_i H(y_i, f(x_i))."""

    views = ()

    def loss(self, student: Student, batch: Batch) -> Step:
        loss = cross_entropy(student.net(batch.x), batch.y).mean()
        return Step(loss, {"loss_s": loss})


class SupervisedMixUp(Supervised):
    """L = 1/B sum_i H(y~_i, f(x~_i)) with (x~, y~) = MixUp(., Shuffle(.), lambda), lambda ~ Beta(beta, beta)
    (Zhang et al., ICLR 2018; row 2 of Meta-Semi's Table 1)."""

    def __init__(self, *, beta: Positive) -> None:
        super().__init__()
        self.beta = beta

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.n_classes = facts.n_classes
        return net

    def loss(self, student: Student, batch: Batch) -> Step:
        x, y = mixup(batch.x, one_hot(batch.y, self.n_classes), self.beta)
        loss = cross_entropy(student.net(x), y).mean()
        return Step(loss, {"loss_s": loss.detach()})
