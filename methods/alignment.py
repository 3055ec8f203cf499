"""Distribution alignment (ReMixMatch, Sec. 3.1), once: its running window and its running average."""

from abc import abstractmethod

import torch
from torch import Tensor, nn


class Alignment(nn.Module):
    """p -> Normalize(p * target / p~), p~ [C] what the net has predicted lately, on average; target uniform if None.

    Predictions are [B, C]. A factor common to all of p~ cancels, so what has seen little needs no correction.
    """

    target: Tensor
    p_tilde: Tensor

    def __init__(self, n_classes: int, target: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("target", torch.ones(n_classes) if target is None else target / target.sum())
        self.register_buffer("p_tilde", torch.zeros(n_classes))

    @abstractmethod
    def observe(self, p: Tensor) -> None:
        """Take in this step's predictions, once a step and before they are aligned."""

    def forward(self, p: Tensor) -> Tensor:
        aligned = p * self.target / self.p_tilde.clamp(min=1e-6)
        return aligned / aligned.sum(-1, keepdim=True)


class WindowAlignment(Alignment):
    """p~ is the mean over the last `length` steps (ReMixMatch, CoMatch, SimMatch).

    Before the first step each of them counts as if it had said `start` for every class: 0 where only steps taken count.
    """

    window: Tensor
    position: Tensor

    def __init__(self, n_classes: int, length: int, start: float, target: Tensor | None = None) -> None:
        super().__init__(n_classes, target)
        if length < 1:
            raise ValueError(f"alignment remembers at least one step, got window={length}")
        self.register_buffer("window", torch.full((length, n_classes), start))
        self.register_buffer("position", torch.zeros(1, dtype=torch.int64))

    def observe(self, p: Tensor) -> None:
        self.window.index_copy_(0, self.position, p.mean(0, keepdim=True))
        self.position.copy_((self.position + 1) % len(self.window))
        self.p_tilde.copy_(self.window.mean(0))


class AverageAlignment(Alignment):
    """p~ <- momentum p~ + (1 - momentum) mean of p, from the first step's mean on (SoftMatch)."""

    def __init__(self, n_classes: int, momentum: float, target: Tensor | None = None) -> None:
        super().__init__(n_classes, target)
        self.momentum = momentum

    def observe(self, p: Tensor) -> None:
        seen = (self.p_tilde.sum() > 0).to(p.dtype)
        self.p_tilde.lerp_(p.mean(0), 1 - self.momentum * seen)
