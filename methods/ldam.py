"""Label-distribution-aware margin loss with deferred re-weighting, LDAM-DRW (Cao et al., NeurIPS 2019)."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.base import Batch, Facts, Step, Student
from methods.functional import cross_entropy, one_hot, product
from methods.options import Decay, Positive, Share
from methods.supervised import Supervised


class Cosine(nn.Module):
    """Features [B, d] -> s times the cosine of their angle with each class's vector, [B, C]; no bias."""

    def __init__(self, dim: int, n_classes: int, s: float) -> None:
        super().__init__()
        self.s = s
        self.weight = nn.Parameter(F.normalize(2 * torch.rand(n_classes, dim) - 1, dim=-1))

    def forward(self, features: Tensor) -> Tensor:
        return self.s * product(F.normalize(features.float(), dim=-1), F.normalize(self.weight, dim=-1).T)


class LDAM(Supervised):
    """L = sum_i w_i l_i / sum_i w_i,  l_i = H(y_i, s (z_i - Delta_y_i e_y_i)),  w_i = 1 or Omega_y_i        (Eq. 13)

    z_i [C]: cosines of the features with each class's vector;  e_y [C]: 1 at y, else 0;  n_c: labelled inputs of c
    Delta_c = max_margin n_c^(-1/4) / max_k n_k^(-1/4) [C]                                                    (Eq. 12)
    Omega_c ~ (1 - beta) / (1 - beta^n_c) [C], 1 on average: the inverse effective number (Cui et al., CVPR 2019)

    Omega is deferred (DRW, Algorithm 1): w_i = 1 up to the share `switch` of the training. Labelled data alone. As in
    the authors' code (kaidic/LDAM-DRW) L is a weighted mean, where Algorithm 1 divides by B. Deviation: the learning
    rate is the protocol's and does not drop at the switch.
    """

    margin: Tensor
    omega: Tensor

    def __init__(self, *, max_margin: Positive, s: Positive, beta: Decay, switch: Share) -> None:
        super().__init__()
        self.max_margin, self.s, self.beta, self.switch = max_margin, s, beta, switch

    def setup(self, facts: Facts, net: Any) -> nn.Module:
        n = facts.class_counts.float().clamp(min=1)
        margin = n**-0.25
        omega = -1 / torch.expm1(n * math.log(self.beta))
        self.register_buffer("margin", self.max_margin * margin / margin.max())
        self.register_buffer("omega", omega / omega.mean())
        net.classifier = Cosine(net.feature_dim, facts.n_classes, self.s)
        module: nn.Module = net
        return module

    def loss(self, student: Student, batch: Batch) -> Step:
        y = one_hot(batch.y, len(self.margin))
        losses = cross_entropy(student.net(batch.x) - self.s * self.margin * y, batch.y)
        deferred = student.now(lambda t: float(t >= self.switch))
        w = (1 + deferred * (self.omega - 1))[batch.y]
        loss = (w * losses).sum() / w.sum()
        return Step(loss, {"loss_s": loss})
