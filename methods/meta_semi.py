"""Meta-Semi ("Meta-Semi: A Meta-learning Approach for Semi-supervised Learning")."""

from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Function, Inner, Method, Step, Student
from methods.functional import cross_entropy, mixup, one_hot
from methods.options import Positive

Mixed = tuple[Tensor, Tensor]
"""Mixed inputs [B, ...] and distributions [B, C]."""


class MetaSemi(Method):
    """L_meta = sum_j w_j L(y~_j, p(u~_j)) / sum_j w_j,  0 where no sample is kept                               (Eq. 1)

    w_j = 1[ d sum_i L(y~_i, p(x~_i | theta_1)) / d w_j |_{w=0} < 0 ]                       (Eq. 9, Algorithm 1 line 11)
        = 1[ < sum_i grad L(x~_i), grad L(u~_j) > > 0 ]                                                         (Eq. 10)
    X~ = MixUp(X, Shuffle(X), lambda_1)                                                                         (Eq. 12)
    U~ = MixUp(W, Shuffle(W), lambda_2),  W = Concat(X, U),  lambda ~ Beta(beta, beta), one per batch           (Eq. 13)

    True labels for X, softmax of the running average for U. A sample whose derivative is zero is dropped (erratum S2).
    At w = 0 the look-ahead stands still, so the whole bi-level step is one forward-mode pass at theta.

    average_statistics: batch norm of the average has statistics of its own, of the un-mixed inputs that it labels; or
    copies the student's, of mixed ones. The paper is silent; its baseline ICT, in the same code, has its own (S9).
    """

    views = ("weak",)

    def __init__(self, *, beta: Positive, average_statistics: Literal["own", "copied"]) -> None:
        super().__init__()
        self.beta, self.own_statistics = beta, average_statistics == "own"

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.n_classes = facts.n_classes
        return net

    def label(self, p: Tensor) -> Tensor:
        """The average's predictions p [B, C] -> pseudo-labels [B, C]."""
        return p

    def mix_labelled(self, x: Tensor, y: Tensor) -> Mixed:
        return mixup(x, y, self.beta)  # Eq. (12)

    def mix_unlabelled(self, w: Tensor, y: Tensor) -> Mixed:
        return mixup(w, y, self.beta)  # Eq. (13)

    def weigh(self, influence: Tensor) -> Tensor:
        """influence [B] -> weights [B]."""
        return (influence < 0).float()  # Eq. (9), strict as in Algorithm 1

    def weights(self, student: Student, labelled: Mixed, unlabelled: Mixed) -> tuple[Tensor, Tensor]:
        """w and L(y~_j, p(u~_j)) with its graph, each [B]."""

        def inner(net: Function) -> Inner:
            return Inner(cross_entropy(net(unlabelled[0]), unlabelled[1]))

        def meta(net: Function) -> Tensor:
            return cross_entropy(net(labelled[0]), labelled[1]).sum()  # Eq. (15)

        influence, here = student.influence(inner, meta)
        return self.weigh(influence), here.losses

    def loss(self, student: Student, batch: Batch) -> Step:
        (u,) = batch.u
        p = self.label(student.teacher(u).softmax(-1))
        y = one_hot(batch.y, self.n_classes)
        labelled = self.mix_labelled(batch.x, y)
        unlabelled = self.mix_unlabelled(torch.cat([batch.x, u]), torch.cat([y, p]))
        weights, losses = self.weights(student, labelled, unlabelled)
        total = weights.abs().sum()
        loss = (weights * losses).sum() / torch.where(total > 0, total, 1.0)  # Eq. (1)
        pseudo = self.pseudo(p, batch.j)._replace(selected=weights[len(batch.x) :] > 0)  # of the mixture it leads
        return Step(loss, {"loss_u": loss, "kept": (weights > 0).float().mean()}, pseudo)


class Consistency(Protocol):
    def setup(self, facts: Facts, net: nn.Module) -> nn.Module: ...
    def consistency(self, student: Student, batch: Batch) -> Tensor: ...


class MetaSemiConsistency(MetaSemi):
    """L = L_meta + w L_consistency (Eq. 14); the term and its weight are those of another method."""

    def __init__(self, *, regulariser: Consistency, **meta_semi: Any) -> None:
        super().__init__(**meta_semi)
        self.regulariser = regulariser

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        return self.regulariser.setup(facts, super().setup(facts, net))

    def loss(self, student: Student, batch: Batch) -> Step:
        step = super().loss(student, batch)
        term = self.regulariser.consistency(student, batch)
        return step._replace(loss=step.loss + term, log=step.log | {"consistency": term})
