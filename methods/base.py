"""The one interface: what a method sees (Batch), what it may ask of the student, what it gives back (Step).

What is in the net is trained by the trainer; what is in the method is trained by the method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

Net = Callable[[Tensor], Tensor]
"""Inputs [B, ...] -> logits [B, C]: the student's network, at its own or at other parameters."""


class Batch(NamedTuple):
    """What a method may see of one step. Hidden labels are never in here."""

    x: Tensor  #: labelled inputs, weakly augmented [B, ...]
    y: Tensor  #: their classes [B]
    i: Tensor  #: which labelled inputs these are [B]
    u: tuple[Tensor, ...]  #: unlabelled inputs under `Method.views`, in that order, each [mu B, ...]
    j: Tensor  #: which unlabelled inputs these are [mu B]


class Pseudo(NamedTuple):
    """What a method makes of unlabelled inputs; every field is [mu B]."""

    label: Tensor
    confidence: Tensor
    threshold: Tensor  #: tau, on the scale of `confidence`; NaN for methods that have none
    selected: Tensor  #: bool


class Inner(NamedTuple):
    """The inner objective of a bi-level step: base + sum_j s_j losses_j."""

    losses: Tensor  #: l_j [B], each with its share of the mean already in it
    base: Tensor | None = None  #: what the look-ahead descends besides
    known: Tensor | None = None  #: total at the look-ahead's weights: its gradient is taken, descending it is free

    def total(self, s: Tensor) -> Tensor:
        """The objective, a scalar, at weights s [B]."""
        weighted = (s * self.losses).sum()
        return weighted if self.base is None else self.base + weighted


class Step(NamedTuple):
    """One step's outcome. The trainer differentiates `loss` with respect to the student's parameters alone."""

    loss: Tensor
    log: dict[str, Tensor] = {}  # noqa: RUF012  a NamedTuple's default is never written to
    pseudo: Pseudo | None = None


class Facts(NamedTuple):
    """What a method may know of its task before the first step."""

    n_classes: int
    class_counts: Tensor  #: labelled inputs per class [C]
    n_unlabelled: int


class Student(Protocol):
    """What a method may ask of the network in training (the trainer owns it: `benchmarks.student`)."""

    @property
    def net(self) -> Net: ...
    @property
    def step(self) -> int: ...
    @property
    def progress(self) -> float:
        """Share of the training done, in [0, 1)."""

    def predict(self, x: Tensor) -> Tensor:
        """Logits [B, C] without a gradient; batch norm as in training."""

    def teacher(self, x: Tensor) -> Tensor:
        """Logits [B, C] of the running average, without a gradient, in evaluation mode."""

    def influence(
        self, inner: Callable[[Net], Inner], meta: Callable[[Net], Tensor], weights: Tensor | None = None
    ) -> tuple[Tensor, Inner]:
        """d L_meta(w_hat) / d s_j for all j [B] (Meta-Semi Eq. 10, Meta-T Eq. 17), at s = `weights` (0 if None);

        and `inner` at the present weights, with its graph, for the update to descend. See `benchmarks.influence`.
        """


class Method(nn.Module, ABC):
    """A semi-supervised method. The constructor stores hyper-parameters, keyword-only, whose numbers live in YAML."""

    views: ClassVar[tuple[str, ...]] = ("weak", "strong")
    """The views of the unlabelled inputs that `loss` needs: "plain", "weak", "strong", each as often as wanted."""

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        """Meet the task once: make buffers and meta-networks, add heads to `net`. Returns the net to train."""
        return net

    @abstractmethod
    def loss(self, student: Student, batch: Batch) -> Step:
        """One step."""

    def phase(self, student: Student) -> Hashable:
        """All that Python decides of the coming step: where it is the same, so are the operations and their numbers.

        A GPU may then replay one step for another (`benchmarks.recorded`). Here no two steps are alike, which is always
        right; say `()` if `loss` asks for neither `step` nor `progress`, and else what it makes of them.
        """
        return student.step

    def probe(self, student: Any, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Scalars measured at an evaluation, for its log; most methods measure nothing.

        `student` is a copy and `batches` are fresh and endless: whatever happens here, the training's bits stay.
        """
        return {}

    def fit(self, trainer: Any, net: nn.Module) -> Any:
        """Train one model and return the student; a method of several stages calls `train` once a stage."""
        return trainer.train(self, net)

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        """What the method makes of predictions p [B, C] of the unlabelled inputs j [B] (no state changes)."""
        confidence, label = p.max(-1)
        return Pseudo(label, confidence, torch.full_like(confidence, torch.nan), torch.ones_like(label).bool())
