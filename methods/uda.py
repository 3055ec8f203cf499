"""UDA: Unsupervised Data Augmentation for Consistency Training (Xie et al., NeurIPS 2020)."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.fixmatch import FixMatch
from methods.functional import cross_entropy, sharpen
from methods.options import Positive

TSA = {
    "none": lambda t: 1.0,
    "linear": lambda t: t,
    "log": lambda t: 1 - math.exp(-5 * t),
    "exp": lambda t: math.exp(5 * (t - 1)),
}


class UDA(FixMatch):
    """L = L_s + lambda_u 1/(mu B) sum_m 1(max p_m > tau) H(softmax(f(A_w(u_m)) / T), f(A_s(u_m)))

    L_s = sum_i s_i H(y_i, f(x_i)) / max(sum_i s_i, 1),   s_i = 1(p_i[y_i] <= eta),   eta = alpha(t) (1 - 1/C) + 1/C

    The target alone is sharpened; the mask asks the confidence as it was (the paper's Sec. 3.4 and its code).
    alpha is training signal annealing, tsa: t, 1 - exp(-5 t), exp(5 (t - 1)), or 1 for none.

    Deviation: the code's divergence KL(target, f) is H(target, f) less the target's entropy, which has no gradient.
    """

    eta: Tensor

    def __init__(self, *, T: Positive, tsa: Literal["none", "linear", "log", "exp"], **fixmatch: Any) -> None:
        super().__init__(**fixmatch)
        self.T, self.tsa = T, tsa

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("eta", torch.tensor(0.0))
        return net

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        alpha = student.now(TSA[self.tsa])
        self.eta.fill_(1 - (1 - alpha) * (1 - 1 / p.shape[1]))  # exactly 1 at alpha = 1
        return {}

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        return sharpen(p, self.T)

    def supervise(self, logits: Tensor, y: Tensor) -> Tensor:
        losses = cross_entropy(logits, y)
        signal = (torch.exp(-losses.detach()) <= self.eta).to(losses.dtype)
        return (signal * losses).sum() / signal.sum().clamp(min=1)
