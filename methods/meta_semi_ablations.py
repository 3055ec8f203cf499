"""Meta-Semi with one component removed or altered (Meta-Semi, Table 5).

"Without parameter EMA" needs no code: protocol.average=0 makes the average the network itself, which then labels the
unlabelled inputs and is evaluated.
"""

import torch
from torch import Tensor

from methods.base import Batch, Inner, Net, Step, Student
from methods.functional import cross_entropy, mixup, one_hot
from methods.meta_semi import MetaSemi


class Altered(MetaSemi):
    """MetaSemi in pieces, so that a subclass can alter one; unaltered it is MetaSemi, bit for bit (a test checks)."""

    def label(self, p: Tensor) -> Tensor:
        """The average's predictions p [B, C] -> pseudo-labels [B, C]."""
        return p

    def mix_labelled(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """X -> X~ (Eq. 12)."""
        return mixup(x, y, self.beta)

    def mix_unlabelled(self, w: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """W -> U~ (Eq. 13)."""
        return mixup(w, y, self.beta)

    def weights(
        self, student: Student, labelled: tuple[Tensor, Tensor], unlabelled: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """w and L(y~_j, p(u~_j)) with its graph, each [B]."""

        def inner(net: Net) -> Inner:
            return Inner(cross_entropy(net(unlabelled[0]), unlabelled[1]))

        def meta(net: Net) -> Tensor:
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
        loss = (weights * losses).sum() / weights.abs().sum().clamp(min=1)  # Eq. (1)
        pseudo = self.pseudo(p, batch.j)._replace(selected=weights[len(batch.x) :] > 0)
        return Step(loss, {"loss_u": loss, "kept": (weights > 0).float().mean()}, pseudo)


class OneHot(Altered):
    """y~_j = one-hot of argmax softmax f(u_j; average), instead of the softmax itself."""

    def label(self, p: Tensor) -> Tensor:
        return one_hot(p.argmax(-1), p.shape[1])


class UnlabelledMixUp(Altered):
    """X~ = X;   U~ = MixUp(W, Shuffle(W), lambda_2)."""

    def mix_labelled(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x, y


class LabelledMixUp(Altered):
    """X~ = MixUp(X, Shuffle(X), lambda_1);   U~ = W."""

    def mix_unlabelled(self, w: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return w, y


class NoMixUp(UnlabelledMixUp, LabelledMixUp):
    """X~ = X;   U~ = W."""


class Constant(Altered):
    """w_j = 1: L = 1/|W| sum_j L(y~_j, p(u~_j)), without a meta step."""

    def weights(
        self, student: Student, labelled: tuple[Tensor, Tensor], unlabelled: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        losses = cross_entropy(student.net(unlabelled[0]), unlabelled[1])
        return torch.ones_like(losses), losses


class Signed(Altered):
    """w_j = -sign(d sum_i L(y~_i, p(x~_i | theta_1)) / d w_j) in {-1, 1}, with sum_j |w_j| below it in Eq. (1)."""

    def weigh(self, influence: Tensor) -> Tensor:
        return -influence.sign()
