"""Temporal ensembling (Laine & Aila, ICLR 2017)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Student
from methods.consistency import Consistency, Outputs
from methods.functional import latest
from methods.options import Decay


class TemporalEnsembling(Consistency):
    """R = 1/(mu B C) sum_j ||z_j - z~_j||^2,   z_j = softmax f(u_j),   z~_j = Z_j / (1 - alpha^t_j)

    Z_j <- alpha Z_j + (1 - alpha) z_j, from 0, whenever input j is seen; t_j: how often it has been. Z [M, C], t [M]
    of all unlabelled inputs stay on the device.

    As in the authors' code an input is consistent with what it was before this step, and with nothing when it is new
    (there R counts from the second epoch on). Deviation: R is over the unlabelled inputs, among which labelled ones may
    be, where the paper's is over all inputs.
    """

    Z: Tensor
    t: Tensor

    def __init__(self, *, alpha: Decay, **consistency: Any) -> None:
        super().__init__(**consistency)
        self.alpha = alpha

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("Z", torch.zeros(facts.n_unlabelled, facts.n_classes))
        self.register_buffer("t", torch.zeros(facts.n_unlabelled))
        return net

    def target(self, j: Tensor) -> tuple[Tensor, Tensor]:
        """z~ [B, C], zero for new inputs, and whether inputs were seen before, 1.0 or 0.0 [B]."""
        t = self.t[j]
        seen = (t > 0).float()
        return self.Z[j] / (1 - self.alpha**t + (1 - seen))[:, None], seen

    @torch.no_grad()
    def remember(self, z: Tensor, j: Tensor) -> None:
        self.Z[j] = (self.alpha * self.Z[j] + (1 - self.alpha) * z)[latest(j)]
        self.t[j] = self.t[j] + 1

    def inconsistency(self, z: Tensor, j: Tensor) -> Tensor:
        """R of predictions z [mu B, C], which are then remembered."""
        target, seen = self.target(j)
        self.remember(z.detach(), j)
        return (seen * ((z - target) ** 2).mean(-1)).mean()

    def outputs(self, student: Student, batch: Batch) -> Outputs:
        x, u = self.together(student, batch)
        return Outputs(x, u, self.inconsistency(u.float().softmax(-1), batch.j))
