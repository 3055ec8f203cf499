"""Meta-Semi with one component removed or altered (Meta-Semi, Table 5).

"Without parameter EMA" needs no code: protocol.average=0 makes the average the network itself, which then labels the
unlabelled inputs and is evaluated.
"""

import torch
from torch import Tensor

from methods.base import Student
from methods.functional import cross_entropy, one_hot
from methods.meta_semi import MetaSemi, Mixed


class OneHot(MetaSemi):
    """y~_j = one-hot of argmax softmax f(u_j; average), instead of the softmax itself."""

    def label(self, p: Tensor) -> Tensor:
        return one_hot(p.argmax(-1), p.shape[1])


class UnlabelledMixUp(MetaSemi):
    """X~ = X;   U~ = MixUp(W, Shuffle(W), lambda_2)."""

    def mix_labelled(self, x: Tensor, y: Tensor) -> Mixed:
        return x, y


class LabelledMixUp(MetaSemi):
    """X~ = MixUp(X, Shuffle(X), lambda_1);   U~ = W."""

    def mix_unlabelled(self, w: Tensor, y: Tensor) -> Mixed:
        return w, y


class NoMixUp(UnlabelledMixUp, LabelledMixUp):
    """X~ = X;   U~ = W."""


class Constant(MetaSemi):
    """w_j = 1: L = 1/|W| sum_j L(y~_j, p(u~_j)), without a meta step."""

    def weights(self, student: Student, labelled: Mixed, unlabelled: Mixed) -> tuple[Tensor, Tensor]:
        losses = cross_entropy(student.net(unlabelled[0]), unlabelled[1])
        return torch.ones_like(losses), losses


class Signed(MetaSemi):
    """w_j = -sign(d sum_i L(y~_i, p(x~_i | theta_1)) / d w_j) in {-1, 1}, with sum_j |w_j| below it in Eq. (1)."""

    def weigh(self, influence: Tensor) -> Tensor:
        return -influence.sign()
