"""FlexMatch (Zhang et al., NeurIPS 2021)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.options import Share
from methods.thresholding import Thresholding


class FlexMatch(Thresholding):
    """tau_m = tau M(beta(y_hat_m)),   M(b) = b / (2 - b),   beta(c) = sigma(c) / max(max_c sigma, unused)

    sigma(c): unlabelled inputs whose latest confident (max p > tau) pseudo-label is c; unused: those that never had
    one (the paper's threshold warm-up, its Eq. 11). A memory of one integer per unlabelled input, on the device.
    """

    memory: Tensor
    beta: Tensor

    def __init__(self, *, tau: Share, **thresholding: Any) -> None:
        super().__init__(**thresholding)
        self.tau = tau

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("memory", torch.full((facts.n_unlabelled,), facts.n_classes))  # class C: unused
        self.register_buffer("beta", torch.zeros(facts.n_classes))
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        counts = torch.zeros(p.shape[1] + 1, device=p.device).index_add_(
            0, self.memory, torch.ones_like(self.memory, dtype=torch.float32)
        )
        self.beta.copy_(counts[:-1] / counts.max())  # of what was remembered before this step
        confidence, y_hat = p.max(-1)
        says = (j[:, None] == j) & (confidence > self.tau)  # [B, B]: an input may come twice, where an epoch ends
        last = (says * torch.arange(1, len(j) + 1, device=j.device)).amax(1)
        self.memory[j] = torch.where(last > 0, y_hat[last - 1], self.memory[j])
        return {}

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        beta = self.beta[p.argmax(-1)]
        return self.tau * beta / (2 - beta)
