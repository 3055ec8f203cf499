"""The network in training: its optimizer, schedule and running average, and the primitive `influence`."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.influence.engines import ENGINES, at
from benchmarks.training.scalars import Scalars
from methods.base import Batch, Function, Inner, Method, Schedule, Step


class Student:
    """The network in training.

    `average` follows every step: parameters by min(decay, 1 - 1/(t+1)), so that it starts unbiased; buffers are copied
    (FixMatch averages the trainable variables only), unless it gathers statistics of its own. A module with an
    `lr_factor` learns at so many times the rate; a look-ahead is at the rate itself.
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
        own_statistics: bool = False,
        decayed: str = "kernels",
    ) -> None:
        """own_statistics: see `methods.base.Method`.

        decayed: what weight decay acts on, "kernels", without biases and norm layers (one-dimensional), or "all".

        precision: "float32" or "bfloat16" (autocast of the passes; parameters and losses are float32).

        compiled: plain passes go through torch.compile; the meta step stays eager, for its tape sees operators.
        """
        self.net: nn.Module = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.graded: nn.Module = self.average
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.factors, groups = grouped(self.net, spared={} if decayed == "all" else {"weight_decay": 0.0})
        self.optimizer = optimizer(groups)
        self.base_lr: float = self.optimizer.param_groups[0]["lr"]
        self.schedule, self.decay, self.steps = schedule, decay, steps
        self.precision, self.engine = precision, ENGINES[engine]
        self.own_statistics = own_statistics
        self.count, self.asked = 0, False  #: steps done; whether a method has asked how many
        self.numbers: Scalars | None = None  #: where a replayed step reads its numbers (`benchmarks.training.replay`)
        self.eager = copy.copy(self.net)  # the same parameters and buffers
        if compiled:
            self.net.compile()
            self.average.compile()

    @property
    def step(self) -> int:
        self.asked = True
        return self.count

    @step.setter
    def step(self, count: int) -> None:
        self.count = count

    def now(self, schedule: Schedule) -> Any:
        """`schedule` at this step's progress: a float, or a scalar that a replayed step reads anew."""
        return schedule(self.progress) if self.numbers is None else self.numbers.read(schedule, self.progress)

    def before(self) -> "Student":
        """A copy, as it was in the step just taken: at the end, where schedules are over, its rate would be 0."""
        student = copy.deepcopy(self)
        student.count -= 1
        return student

    @property
    def progress(self) -> float:
        return self.count / self.steps

    def rate(self, progress: float, factor: float = 1.0) -> float:
        """The learning rate at a share of the training, times a group's factor."""
        return factor * self.base_lr * self.schedule(progress)

    @property
    def lr(self) -> float:
        return self.rate(self.progress)

    @property
    def weight(self) -> float:
        """Of the net in the running average, when the coming step is done."""
        return 1 - min(self.decay, 1 - 1 / (self.count + 2))

    def autocast(self) -> torch.autocast:
        """The plain passes' precision, as a context."""
        device = self.parameters[0].device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        return self.net(x)

    def silent(self, x: Tensor) -> Tensor:
        return at(self.eager, {})(x)

    @torch.no_grad()
    def teacher(self, x: Tensor) -> Tensor:
        try:
            return self.average.train(self.own_statistics)(x)
        finally:
            self.average.eval()

    def influence(
        self, inner: Callable[[Function], Inner], meta: Callable[[Function], Tensor], weights: Tensor | None = None
    ) -> tuple[Tensor, Inner]:
        """d L_meta(w_hat) / d s_j [B], with w_hat = w - lr grad_w (base + sum_j s_j l_j); and `inner` at w, with graph.

        inner, meta: the inner objective and the labelled loss as functions of a net; weights: s [B], zero if None.
        """
        return self.engine(self.eager, inner, meta, weights, self.now(self.rate))

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
        for factor, group in zip(self.factors, self.optimizer.param_groups, strict=True):
            group["lr"] = self.now(partial(self.rate, factor=factor))
        self.optimizer.step()
        self.follow()
        self.count += 1

    @torch.no_grad()
    def follow(self) -> None:
        torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), self.weight)
        if not self.own_statistics and (buffers := list(self.average.buffers())):
            torch._foreach_copy_(buffers, list(self.net.buffers()))

    def state_dict(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.count,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.count = state["step"]


def grouped(net: nn.Module, spared: dict[str, float]) -> tuple[list[float], list[dict[str, Any]]]:
    """An optimizer's groups of the parameters that are trained, and each group's factor on the learning rate.

    spared: what holds for biases and norm layers (one-dimensional) alone.
    """
    factor = {
        p: getattr(module, "lr_factor", 1.0) for module in net.modules() for p in module.parameters(recurse=False)
    }
    trained = [p for p in net.parameters() if p.requires_grad]
    factors: list[float] = []
    groups: list[dict[str, Any]] = []
    for f in sorted({factor[p] for p in trained}, reverse=True):
        own = [p for p in trained if factor[p] == f]
        groups.append({"params": [p for p in own if p.ndim > 1]})
        groups.append({"params": [p for p in own if p.ndim <= 1]} | spared)
        factors += [f, f]
    return factors, groups
