"""The one interface: what a method sees (Batch), what it may ask of the student, what it gives back (Step).

What is in the net is trained by the trainer; what is in the method is trained by the method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]
"""Inputs [B, ...] -> logits [B, C]: the student's network at its own or at other parameters."""

Schedule = Callable[[float], float]
"""Share of the training done, in [0, 1) -> a number."""


class Batch(NamedTuple):
    """What a method may see of one step. Hidden labels are never in here."""

    x: Tensor  #: labelled inputs under `Method.labelled_view` [B, ...]
    y: Tensor  #: their classes [B]
    i: Tensor  #: which labelled inputs these are [B]
    u: tuple[Tensor, ...]  #: unlabelled inputs under `Method.views`, in that order, each [mu B, ...]
    j: Tensor  #: which unlabelled inputs these are [mu B], in a numbering that tells nothing of their classes


class Pseudo(NamedTuple):
    """What a method makes of unlabelled inputs; every field is [mu B]."""

    label: Tensor
    confidence: Tensor
    threshold: Tensor  #: tau, on the scale of `confidence`; NaN for methods that have none
    selected: Tensor  #: bool


class Inner(NamedTuple):
    """The inner objective of a bi-level step: base + sum_j s_j losses_j."""

    losses: Tensor  #: l_j [B], each with its share of the mean already in it
    base: Tensor | None = None  #: what the look-ahead descends besides, a scalar
    descended: Tensor | None = None  #: the look-ahead's own objective, whose gradient is known: to descend it is free

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
    y: Tensor  #: classes of the labelled inputs, by their number i [N]
    class_counts: Tensor  #: labelled inputs per class [C]
    n_unlabelled: int


class Net(Protocol):
    """A network: the student's own, or its running average. What `Method.setup` returns keeps these names."""

    features: nn.Module  #: inputs [B, ...] -> [B, feature_dim]
    classifier: nn.Module  #: [B, feature_dim] -> logits [B, C]
    feature_dim: int

    def __call__(self, x: Tensor) -> Tensor:
        """Inputs [B, ...] -> logits [B, C]."""


class Student(Protocol):
    """What a method may ask of the network in training (the trainer owns it: `benchmarks.training.student`)."""

    @property
    def net(self) -> Any:
        """The network, a `Net` (with the heads that `setup` added)."""

    @property
    def average(self) -> Any:
        """Its running average, a `Net` in evaluation mode."""

    @property
    def step(self) -> int:
        """Steps done. A method whose operations depend on it says so in `Method.phase`."""

    def now(self, schedule: Schedule) -> Any:
        """`schedule` at this step, a number to reckon with: a float, or a scalar tensor that a replay fills anew."""

    def predict(self, x: Tensor) -> Tensor:
        """Logits [B, C] without a gradient; batch norm as in training."""

    def silent(self, x: Tensor) -> Tensor:
        """Logits [B, C] as of `net`, with their gradient, but batch norm's running statistics stay as they are."""

    def teacher(self, x: Tensor) -> Tensor:
        """Logits [B, C] of the running average, without a gradient.

        In evaluation mode; or with the batch's statistics, which its own follow, if `Method.own_statistics`.
        """

    def influence(
        self, inner: Callable[[Function], Inner], meta: Callable[[Function], Tensor], weights: Tensor | None = None
    ) -> tuple[Tensor, Inner]:
        """d L_meta(w_hat) / d s_j for all j [B] (Meta-Semi Eq. 10, Meta-T Eq. 17), at s = `weights` (0 if None).

        Second, `inner` at the present weights with its graph, for the update to descend. See `benchmarks.influence`.
        """


class Trainer(Protocol):
    """What `Method.fit` gets. Nothing of it leads to hidden labels or to the test set."""

    @property
    def task(self) -> Any:
        """The task, a `benchmarks.data.task.Task`: with_labels(j, y) and with_balance() make other ones of it."""

    def train(
        self,
        method: "Method",
        net: nn.Module,
        *,
        task: Any = None,
        share: float = 1.0,
        schedule: Schedule | None = None,
    ) -> Any:
        """Train `net` by `method` for a share of all steps, and return the student: one stage.

        task: another one than the run's; schedule: another factor on the learning rate, over this stage's progress.
        Parameters that ask for no gradient stay as they are. A stage that was finished before is loaded, not run again.
        Raises ValueError where the shares exceed 1.
        """

    def predict(self, student: Any) -> Tensor:
        """Softmax predictions [M, C] of the student's graded network on all unlabelled inputs, in the order of `j`."""


class Method(nn.Module, ABC):
    """A semi-supervised method. The constructor stores hyper-parameters, keyword-only, whose numbers live in YAML."""

    views: ClassVar[tuple[str, ...]] = ("weak", "strong")
    """The views of the unlabelled inputs that `loss` needs: "plain", "weak", "strong", each as often as wanted."""

    labelled_view: ClassVar[str] = "weak"
    """The view of the labelled inputs."""

    own_statistics: bool = False
    """Whether batch norm of the running average has statistics of its own, of what it labels as the teacher.

    Otherwise it copies the student's, which are off for plain inputs where the student sees mixed ones (erratum S9).
    """

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        """Meet the task, before the first stage: make buffers and meta-networks, add heads to `net` (a `Net`).

        Returns the net to train, a `Net` too.
        """
        return net

    @abstractmethod
    def loss(self, student: Student, batch: Batch) -> Step:
        """One step."""

    def fit(self, trainer: Trainer, net: nn.Module) -> Any:
        """Train one model and return the student. A method of several stages calls `train` once a stage."""
        return trainer.train(self, net)

    def graded(self, student: Student, batches: Iterator[Batch]) -> nn.Module:
        """The network that is graded and used: the running average unless the method has another.

        `batches` are fresh and endless, for statistics to be gathered anew; training does not see them.
        """
        return student.average

    def phase(self, step: int) -> Hashable:
        """What tells this step's operations from another step's; nothing unless a method does different things in turn.

        Steps of one phase may be replayed for one another on a GPU (`benchmarks.training.replay`).
        """
        return ()

    def probe(self, student: Any, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Scalars measured at an evaluation, for its log; most methods measure nothing.

        `student` is a copy, as it was in the step just taken, and `batches` are fresh and endless: whatever happens
        here, the training's bits stay.
        """
        return {}

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        """What the method makes of predictions p [B, C] of the unlabelled inputs j [B] (no state changes)."""
        confidence, label = p.max(-1)
        return Pseudo(label, confidence, torch.full_like(confidence, torch.nan), torch.ones_like(label).bool())
