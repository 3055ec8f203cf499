"""Consistency regularisation, once: what the papers from the Pi-model to SNTG have in common."""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from methods.base import Batch, Method, Step, Student
from methods.functional import cross_entropy, ramp_up
from methods.options import NonNegative, Share


class Outputs(NamedTuple):
    """What a step's passes say."""

    x: Tensor  #: logits of the labelled inputs [B, C]
    u: Tensor  #: logits of the unlabelled inputs, first view [mu B, C]
    inconsistency: Tensor  #: R, a scalar


class Consistency(Method):
    """L = 1/B sum_i H(y_i, f(x_i)) + w(t) R,   w(t) = w_max exp(-5 (1 - min(t / ramp, 1))^2)

    R, a scalar, says how far predictions of the unlabelled inputs are from what they should agree with. The papers'
    codes take the labelled loss as a sum over all inputs of the batch, labelled or not, and w_max times the share of
    labels in the data: the same ratio of the two terms.
    """

    views: ClassVar[tuple[str, ...]] = ("weak",)

    def __init__(self, *, w_max: NonNegative, ramp: Share) -> None:
        super().__init__()
        self.w_max, self.ramp = w_max, ramp

    @abstractmethod
    def outputs(self, student: Student, batch: Batch) -> Outputs:
        """The passes of one step."""

    def together(self, student: Student, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of the labelled inputs and of the first view of the unlabelled ones: one batch, as the papers have."""
        logits = student.net(torch.cat([batch.x, batch.u[0]]))
        return logits[: len(batch.x)], logits[len(batch.x) :]

    def weight(self, student: Student) -> Tensor:
        """w(t), a number to multiply by."""
        w: Tensor = student.now(lambda t: self.w_max * ramp_up(t, self.ramp))
        return w

    def consistency(self, student: Student, batch: Batch) -> Tensor:
        """w(t) R, a scalar; what Eq. (14) of Meta-Semi adds."""
        return self.weight(student) * self.outputs(student, batch).inconsistency

    def loss(self, student: Student, batch: Batch) -> Step:
        x, u, inconsistency = self.outputs(student, batch)
        supervised = cross_entropy(x, batch.y).mean()
        unsupervised = self.weight(student) * inconsistency
        log = {"loss_s": supervised, "loss_u": unsupervised}
        return Step(supervised + unsupervised, log, self.pseudo(u.detach().float().softmax(-1), batch.j))
