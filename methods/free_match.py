"""FreeMatch (Wang et al., ICLR 2023)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.functional import one_hot
from methods.options import Decay, NonNegative
from methods.thresholding import Guess, Thresholding


class FreeMatch(Thresholding):
    """tau_m = p~[y_hat_m] / max_c p~[c] tau_t

    tau_t, p~ [C] and h~ [C] are running means of the batch's mean max p, mean p, and histogram of argmax p. They start
    at 1/C (as the paper; its code starts at 1, where nothing is selected at first) and move before the thresholds.

    Fairness: + w_f sum_c a_c log b_c,   a = SumNorm(p~ / h~),   b = SumNorm(p_bar / h_bar)

    with p_bar and h_bar as p~ and h~, but of the strong views' predictions among the selected of this step. Where a
    class has no share in a histogram its ratio is 0; where nothing is selected the term is. It is negative by design.
    """

    tau: Tensor
    p_tilde: Tensor
    h_tilde: Tensor

    def __init__(self, *, momentum: Decay, w_f: NonNegative, **thresholding: Any) -> None:
        super().__init__(**thresholding)
        self.momentum, self.w_f = momentum, w_f

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        uniform = torch.full((facts.n_classes,), 1 / facts.n_classes)
        self.register_buffer("tau", uniform[0].clone())
        self.register_buffer("p_tilde", uniform.clone())
        self.register_buffer("h_tilde", uniform.clone())
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        self.tau.lerp_(p.amax(-1).mean(), 1 - self.momentum)
        self.p_tilde.lerp_(p.mean(0), 1 - self.momentum)
        self.h_tilde.lerp_(histogram(p).mean(0), 1 - self.momentum)
        return {"tau": self.tau.clone()}

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return self.tau * (self.p_tilde / self.p_tilde.amax())[p.argmax(-1)]

    def regularise(self, logits: Tensor, guess: Guess, j: Tensor) -> Tensor:
        p = logits.float().softmax(-1)
        selected = (guess.p.amax(-1) > self.threshold(guess.p, j)).to(p.dtype)
        p_bar, h_bar = selected[:, None] * p, selected[:, None] * histogram(p)
        a, b = fair(self.p_tilde, self.h_tilde), fair(p_bar.mean(0), h_bar.mean(0))
        return self.w_f * selected.amax() * (a * torch.log(b + 1e-12)).sum()


def histogram(p: Tensor) -> Tensor:
    """1(argmax p_m = c) [B, C]."""
    return one_hot(p.argmax(-1), p.shape[1])


def fair(p: Tensor, h: Tensor) -> Tensor:
    """SumNorm(p / h) [C]; 0 where h is, and everywhere where nothing is counted."""
    ratio = p * (h > 0) / h.clamp(min=1e-12)
    return ratio / ratio.sum().clamp(min=1e-12)
