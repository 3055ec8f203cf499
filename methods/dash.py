"""Dash (Xu et al., ICML 2021)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.options import NonNegative, Positive, PositiveShare, Share
from methods.thresholding import Thresholding


class Dash(Thresholding):
    """Selects where the pseudo-label's own loss is small: H(y_hat_m, p_m) = -log max p_m < rho_t, so tau = exp(-rho_t),

    rho_t = max(C gamma^-(t-1) rho_hat, rho_min),   t = 1, 2, ... counted in periods after the warm-up.

    During the warm-up only labelled data is learned (nothing is selected) and rho_hat is measured: the mean loss of the
    pseudo-labels over its second half. Deviations: periods are shares of the training, so that a shortened run keeps
    the curve's shape (TorchSSL: 2,048 and 10,240 of 2^20 steps); rho_hat comes from the unlabelled training batches,
    where TorchSSL and USB take the loss on the test set; pseudo-labels are hard throughout.
    """

    rho: Tensor
    pseudo_loss: Tensor

    def __init__(
        self,
        *,
        C: Positive,
        gamma: Positive,
        rho_min: NonNegative,
        warm_up: Share,
        period: PositiveShare,
        **thresholding: Any,
    ) -> None:
        super().__init__(**thresholding)
        self.C, self.gamma, self.rho_min, self.warm_up, self.period = C, gamma, rho_min, warm_up, period

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("rho", torch.tensor(0.0))
        self.register_buffer("pseudo_loss", torch.zeros(2))  # sum, count
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        measured = -p.amax(-1).log()
        counts = student.now(lambda t: float(self.warm_up / 2 <= t < self.warm_up))
        self.pseudo_loss += counts * torch.stack([measured.sum(), measured.new_full((), len(measured))])
        rho_hat = self.pseudo_loss[0] / self.pseudo_loss[1].clamp(min=1)
        decayed = (student.now(self.decay) * rho_hat).clamp(min=self.rho_min)
        self.rho.copy_(student.now(lambda t: float(t >= self.warm_up)) * decayed)
        return {"rho": self.rho.clone()}

    def decay(self, progress: float) -> float:
        """C gamma^-(t-1)."""
        return self.C * self.gamma ** -max(0.0, (progress - self.warm_up) // self.period)

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return torch.exp(-self.rho).expand(len(p))
