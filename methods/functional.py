"""Pure functions that more than one paper uses."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """H(target, softmax(logits)) per input [B]; target: classes [B] or distributions [B, C]."""
    return F.cross_entropy(logits, target, reduction="none")


def one_hot(y: Tensor, n_classes: int) -> Tensor:
    """Classes [B] -> distributions [B, C], float32."""
    return (y[:, None] == torch.arange(n_classes, device=y.device)).float()  # F.one_hot asks the device for its range


def sharpen(p: Tensor, T: float) -> Tensor:
    """p^(1/T), normalised: the softmax at temperature T, of distributions p [B, C] (MixMatch Eq. 7)."""
    sharp = p ** (1 / T)
    return sharp / sharp.sum(-1, keepdim=True)


def mixing(beta: float, like: Tensor) -> Tensor:
    """One lambda ~ Beta(beta, beta) for the whole batch, on `like`'s device (drawn from torch's global generator)."""
    b = torch.full((), beta, device=like.device)  # made there: nothing waits for the device
    return torch.distributions.Beta(b, b, validate_args=False).sample()


def mix(a: Tensor, order: Tensor, lam: Tensor) -> Tensor:
    """lambda a + (1 - lambda) a[order]."""
    return lam * a + (1 - lam) * a[order]


def mixup(x: Tensor, y: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """MixUp(., Shuffle(.), lambda) of inputs [B, ...] and distributions [B, C] (Meta-Semi Eq. 11 to 13)."""
    lam, order = mixing(beta, x), torch.randperm(len(x), device=x.device)
    return mix(x, order, lam), mix(y, order, lam)


def ramp_up(progress: float, until: float) -> float:
    """exp(-5 (1 - t)^2) with t = progress / until, then 1 (Laine & Aila 2017)."""
    t = min(progress / until, 1.0) if until > 0 else 1.0
    return math.exp(-5 * (1 - t) ** 2)


def linear_ramp_up(progress: float, until: float) -> float:
    """t = progress / until, then 1 (MixMatch, FixMatch's baselines)."""
    return min(progress / until, 1.0) if until > 0 else 1.0
