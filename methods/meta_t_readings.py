"""Meta-T as its paper may be read, too: one place each where it leaves open what is meant. None is the default."""

from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Student
from methods.functional import latest, one_hot
from methods.meta_t import MetaT
from methods.thresholding import Thresholding


class HardMetaT(MetaT):
    """w <- one step on L_s + lambda_u 1/(mu B) sum_m 1(max p_m > tau_m) H(y_hat_m, f(A_s(u_m)))       (Eq. 2; T41)

    S stands for the indicator in the look-ahead alone, where it is differentiated.
    """

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        return Thresholding.gate(self, confidence, tau)


class CachedMetaT(MetaT):
    """p_bar_c = the mean of p over all unlabelled inputs predicted c, each as it was last seen              (Eq. 5; T5)

    Eq. 5 averages over all M inputs; a pass over them at every step would cost an epoch, so p is as old as the input's
    last step. Inputs not seen yet do not count, and a class that none is predicted as keeps 1/C.
    """

    last: Tensor

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("last", torch.zeros(facts.n_unlabelled, facts.n_classes))
        return super().setup(facts, net)

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        self.last[j] = p[latest(j)]
        seen = self.last.sum(1, keepdim=True) > 0
        predicted = one_hot(self.last.argmax(-1), p.shape[1]) * seen  # [M, C]
        count = predicted.sum(0)[:, None]
        with torch.autocast(p.device.type, enabled=False):
            mean = predicted.T @ self.last / count.clamp(min=1)
        self.p_bar.copy_(torch.where(count > 0, mean, 1 / p.shape[1]))
        return {}


class ApartMetaT(MetaT):
    """L_meta is of another labelled batch than the L_s in the look-ahead: of the step before (Algorithm 2; T27)."""

    x: Tensor | None = None
    y: Tensor | None = None

    def phase(self, step: int) -> Hashable:
        return step == 0  # which has none before it, and takes its own

    def meta_batch(self, batch: Batch) -> tuple[Tensor, Tensor]:
        before = (batch.x, batch.y) if self.x is None or self.y is None else (self.x.clone(), self.y.clone())
        if self.x is None or self.y is None or self.x.shape != batch.x.shape:  # texts differ in length
            self.x, self.y = batch.x.clone(), batch.y.clone()
        else:  # in place: whatever repeats this step's operations finds the batch where it was
            self.x.copy_(batch.x)
            self.y.copy_(batch.y)
        return before

    def get_extra_state(self) -> dict[str, Any]:
        return super().get_extra_state() | {"before": (self.x, self.y)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self.x, self.y = state["before"]
