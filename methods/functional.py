"""Pure functions that more than one paper uses."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call


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


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b in full precision, whatever the passes' precision is."""
    with torch.autocast(a.device.type, enabled=False):
        return a.float() @ b.float()


def mixing(beta: float, like: Tensor, *shape: int) -> Tensor:
    """lambda ~ Beta(beta, beta), on `like`'s device (drawn from torch's global generator).

    One for the whole batch, or as many as `shape` says.
    """
    b = torch.full(shape, beta, device=like.device)  # made there: nothing waits for the device
    return torch.distributions.Beta(b, b, validate_args=False).sample()


def mix(a: Tensor, order: Tensor, lam: Tensor) -> Tensor:
    """lambda a + (1 - lambda) a[order]."""
    return lam * a + (1 - lam) * a[order]


def mixup(x: Tensor, y: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """MixUp(., Shuffle(.), lambda) of inputs [B, ...] and distributions [B, C] (Meta-Semi Eq. 11 to 13)."""
    lam, order = mixing(beta, x), torch.randperm(len(x), device=x.device)
    return mix(x, order, lam), mix(y, order, lam)


def brier(logits: Tensor, p: Tensor) -> Tensor:
    """1/(B C) sum_b ||softmax(logits_b) - p_b||^2, a scalar: the consistency cost of most papers; both are [B, C]."""
    return F.mse_loss(logits.float().softmax(-1), p)


def latest(j: Tensor) -> Tensor:
    """For each row the last one of the same input [B]: where an epoch ends within a batch, an input may come twice."""
    return ((j[:, None] == j) * torch.arange(len(j), device=j.device)).amax(1)


def silently(module: nn.Module, x: Tensor) -> Tensor:
    """module(x), batch norm as in training, but its running statistics stay as they are: `Student.silent` of a part."""
    out: Tensor = functional_call(module, {name: buffer.clone() for name, buffer in module.named_buffers()}, (x,))
    return out


def ramp_up(progress: float, until: float) -> float:
    """exp(-5 (1 - t)^2) with t = progress / until, then 1 (Laine & Aila 2017)."""
    t = min(progress / until, 1.0) if until > 0 else 1.0
    return math.exp(-5 * (1 - t) ** 2)


def linear_ramp_up(progress: float, until: float) -> float:
    """t = progress / until, then 1 (MixMatch, FixMatch's baselines)."""
    return min(progress / until, 1.0) if until > 0 else 1.0
