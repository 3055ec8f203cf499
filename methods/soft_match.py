"""SoftMatch (Chen et al., ICLR 2023)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.alignment import AverageAlignment
from methods.base import Facts, Student
from methods.options import Decay, Positive
from methods.thresholding import Thresholding


class SoftMatch(Thresholding):
    """A weight stands for the indicator: a Gaussian, truncated at its mean,

    S_m = exp(-min(max q_m - mu, 0)^2 / (2 sigma^2 / n_sigma^2)),   q_m = Normalize(p_m u(C) / p~)

    with uniform alignment by p~ [C], the running average of p. mu <- m mu + (1 - m) mean of max q, sigma^2 likewise by
    the unbiased variance, once a step and before the weights; they start at 1/C and 1 (n_sigma is in the
    authors' code). The pseudo-label is of p, not of q. What is recorded as threshold is mu.
    """

    mu: Tensor
    variance: Tensor

    def __init__(self, *, momentum: Decay, n_sigma: Positive, **thresholding: Any) -> None:
        super().__init__(**thresholding)
        self.momentum, self.n_sigma = momentum, n_sigma

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.align = AverageAlignment(facts.n_classes, self.momentum)
        self.register_buffer("mu", torch.tensor(1 / facts.n_classes))
        self.register_buffer("variance", torch.tensor(1.0))
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        self.align.observe(p)
        variance, mu = torch.var_mean(self.align(p).amax(-1))
        self.mu.lerp_(mu, 1 - self.momentum)
        self.variance.lerp_(variance, 1 - self.momentum)
        return {"mu": self.mu.clone(), "sigma": self.variance.sqrt()}

    def refine(self, p: Tensor, j: Tensor) -> Tensor:
        q: Tensor = self.align(p)
        return q

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        return p.argmax(-1)

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return self.mu.expand(len(p))

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        below = (confidence - tau).clamp(max=0)
        return torch.exp(-(below**2) / (2 * self.variance / self.n_sigma**2))
