"""The network in training: its optimizer, schedule and running average, and the primitive `influence`."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.errors import UserError
from benchmarks.influence import ENGINES
from methods.base import Batch, Inner, Method, Net, Step

Schedule = Callable[[float], float]
"""Share of the training done, in [0, 1] -> factor on the learning rate."""


def cosine(progress: float, *, cycles: float) -> float:
    """cos(2 pi cycles t): FixMatch's 7/16 of a half turn is cycles = 7/32."""
    return math.cos(2 * math.pi * cycles * progress)


def annealing(progress: float, *, floor: float = 0.0) -> float:
    """floor + (1 - floor) (1 + cos(pi t)) / 2, from 1 to floor (Loshchilov & Hutter 2017)."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def multistep(progress: float, *, milestones: Sequence[float], gamma: float) -> float:
    """Times gamma at each milestone, a share of the training."""
    return gamma ** sum(progress >= m for m in milestones)


def stepwise(progress: float, *, milestones: Sequence[float], factors: Sequence[float]) -> float:
    """The first factor, and the next one from each milestone on, a share of the training. Raises UserError."""
    if len(factors) != len(milestones) + 1:
        raise UserError(f"{len(milestones)} milestones need {len(milestones) + 1} factors, got {len(factors)}")
    return factors[sum(progress >= m for m in milestones)]


def constant(progress: float) -> float:
    return 1.0


class Student:
    """The network in training.

    `average` follows every step: parameters by min(decay, 1 - 1/(t+1)), so that it starts unbiased; buffers are copied
    (FixMatch averages the trainable variables only). Biases and norm layers (one-dimensional) are not decayed.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        decay: float,
        steps: int,
        precision: str = "float32",
        engine: str = "forward",
        compiled: bool = False,
    ) -> None:
        """precision: "float32" or "bfloat16" (autocast of the plain passes; the meta step stays float32).

        compiled: plain passes go through torch.compile; the meta step stays eager, for its tape sees operators.
        """
        self.net: nn.Module = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.parameters = list(self.net.parameters())
        decayed = [p for p in self.parameters if p.ndim > 1]
        others = [p for p in self.parameters if p.ndim <= 1]
        self.optimizer = optimizer([{"params": decayed}, {"params": others, "weight_decay": 0.0}])
        self.base_lr: float = self.optimizer.param_groups[0]["lr"]
        self.schedule, self.decay, self.steps = schedule, decay, steps
        self.precision, self.engine = precision, ENGINES[engine]
        self.step = 0
        self.rate: Tensor | None = None  #: where a recorded step reads the learning rate (`benchmarks.recorded`)
        self.eager = copy.copy(self.net)  # the same parameters and buffers
        if compiled:
            self.net.compile()
            self.average.compile()

    @property
    def progress(self) -> float:
        return self.step / self.steps

    @property
    def lr(self) -> float:
        return self.base_lr * self.schedule(self.progress)

    @property
    def alpha(self) -> float | Tensor:
        """The learning rate as a step reads it."""
        return self.lr if self.rate is None else self.rate

    @property
    def weight(self) -> float:
        """Of the net in the running average, when the coming step is done."""
        return 1 - min(self.decay, 1 - 1 / (self.step + 2))

    def autocast(self) -> torch.autocast:
        """The plain passes' precision, as a context."""
        device = self.parameters[0].device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        return self.net(x)

    @torch.no_grad()
    def teacher(self, x: Tensor) -> Tensor:
        return self.average(x)

    def influence(
        self, inner: Callable[[Net], Inner], meta: Callable[[Net], Tensor], weights: Tensor | None = None
    ) -> tuple[Tensor, Inner]:
        """d L_meta(w_hat) / d s_j [B], with w_hat = w - lr grad_w (base + sum_j s_j l_j); and `inner` at w, with graph.

        inner, meta: the inner objective and the labelled loss as functions of a net; weights: s [B], zero if None.
        """
        return self.engine(self.eager, inner, meta, weights, self.alpha)

    def take(self, method: Method, batch: Batch) -> Step:
        """One step of a method, in all."""
        with self.autocast():
            step = method.loss(self, batch)
        self.descend(step.loss)
        return step

    def descend(self, loss: Tensor) -> None:
        """One step on `loss`, differentiated with respect to the net's parameters alone; then the average follows."""
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = g if g is None or g.stride() == p.stride() else torch.empty_like(p).copy_(g)
        for group in self.optimizer.param_groups:
            group["lr"] = self.alpha
        self.optimizer.step()
        self.follow()
        self.step += 1

    @torch.no_grad()
    def follow(self) -> None:
        torch._foreach_lerp_(list(self.average.parameters()), self.parameters, self.weight)
        if buffers := list(self.average.buffers()):
            torch._foreach_copy_(buffers, list(self.net.buffers()))

    def state_dict(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
