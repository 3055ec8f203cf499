"""Dash (Xu et al., ICML 2021)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.functional import cross_entropy, latest, one_hot, sharpen
from methods.options import NonNegative, Positive, PositiveShare, Share
from methods.thresholding import Guess, Thresholding

EVERYTHING = 500.0  #: rho of the warm-up, by which every input is selected (the authors' number)
ROUNDING = 1e-9  #: shares that are a little below a round one count as that


class Dash(Thresholding):
    """L = 1/B sum_i H(y_i, f(x_i)) + lambda_u sum_m 1[H(y_hat_m, p_m) < rho_t] H(q_m, f(A_s(u_m))) / sum_m 1[...]

    H(y_hat_m, p_m) = -log max p_m, so that tau = exp(-rho_t);   rho_t = max(gamma^-t rho_hat, rho_min), t = 1, 2, ...
    in periods after the warm-up; q_m = p_m sharpened at temperature T, and y_hat_m once rho_min is reached.

    During the warm-up every input is selected. rho_hat is the mean over the unlabelled inputs of H(q_m, f(A_s(u_m))) as
    each was last seen in it. All by the authors' code (idstcv/Dash, dash.py), whose warm-up and periods of 10 and 9 out
    of 1,024 epochs are shares of the training here. `DashTorchSSL` is what other code bases call Dash.
    """

    rho: Tensor
    losses: Tensor

    def __init__(
        self, *, gamma: Positive, rho_min: NonNegative, T: Positive, warm_up: Share, period: PositiveShare,
        **thresholding: Any,
    ) -> None:  # fmt: skip
        super().__init__(**thresholding)
        self.gamma, self.rho_min, self.T, self.warm_up, self.period = gamma, rho_min, T, warm_up, period

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("rho", torch.tensor(EVERYTHING))
        self.register_buffer("losses", torch.full((facts.n_unlabelled,), -1.0))  # -1: not seen yet
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        seen = self.losses >= 0
        rho_hat = (seen * self.losses).sum() / seen.sum().clamp(min=1)
        decayed = (student.now(self.decay) * rho_hat).clamp(min=self.rho_min)
        warm = student.now(lambda t: float(t < self.warm_up))
        self.rho.copy_(warm * EVERYTHING + (1 - warm) * decayed)
        return {"rho": self.rho.clone()}

    def decay(self, progress: float) -> float:
        """gamma^-t."""
        return self.gamma ** -(1.0 + max(0, math.floor((progress - self.warm_up) / self.period + ROUNDING)))

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        return torch.where(self.rho > self.rho_min, sharpen(p, self.T), one_hot(p.argmax(-1), p.shape[1]).to(p.dtype))

    def regularise(self, logits: Tensor, guess: Guess, j: Tensor) -> None:
        """No term: here the strong views' losses are seen, and remembered during the warm-up."""
        each = cross_entropy(logits.detach().float(), guess.target.float())[latest(j)].to(self.losses.dtype)
        self.losses[j] = torch.where(self.rho == EVERYTHING, each, self.losses[j])

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return torch.exp(-self.rho).expand(len(p))

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        """The indicator times B over the number selected: the mean is over these alone."""
        selected = (confidence > tau).float()
        return selected * (len(selected) / selected.sum().clamp(min=1))


class DashTorchSSL(Thresholding):
    """Dash as TorchSSL and USB have it: Eq. (2) with tau = exp(-rho_t), hard pseudo-labels, the mean over all inputs,

    rho_t = max(C gamma^-(t-1) rho_hat, rho_min),   t = 1, 2, ... counted in periods after the warm-up.

    During the warm-up only labelled data is learned (nothing is selected) and rho_hat is measured: the mean loss of the
    pseudo-labels over its second half. Deviations: periods are shares of the training, so that a shortened run keeps
    the curve's shape (TorchSSL: 2,048 and 10,240 of 2^20 steps); rho_hat comes from the unlabelled training batches,
    where TorchSSL and USB take the loss on the test set.
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
