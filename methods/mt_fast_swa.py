"""Mean Teacher with fast-SWA (Athiwaratkun et al., ICLR 2019)."""

import copy
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Step, Student, Trainer
from methods.mean_teacher import MeanTeacher
from methods.options import Count, PositiveShare, Share

ROUNDING = 1e-9  #: shares that are a little below a round one count as that


class MeanTeacherFastSWA(MeanTeacher):
    """Mean Teacher under a cyclical learning rate; theta_SWA = 1/n sum_i theta_i is graded

    lr(t) = lr(0) (1 + cos(pi t' / anneal)) / 2,   t' = t before `first`, then first - cycle + (t - first) mod cycle
    theta_i: the weights at t = first - cycle, and every `every` from then on: several times a cycle.

    All times are shares of the training. Batch norm's statistics of theta_SWA come from `batches` fresh batches, as in
    the authors' code (benathi/fastswa-semi-sup); before there is a theta_1 the running average is graded. The
    protocol's own schedule is not used.

    Deviations: Mean Teacher's; that code's distance of two output layers is left out; the weights after the last step
    are not collected.
    """

    n: Tensor

    def __init__(
        self,
        *,
        first: Share,
        anneal: PositiveShare,
        cycle: PositiveShare,
        every: PositiveShare,
        batches: Count,
        **mean_teacher: Any,
    ) -> None:
        super().__init__(**mean_teacher)
        self.first, self.anneal, self.cycle, self.every, self.batches = first, anneal, cycle, every, batches

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        net = super().setup(facts, net)
        self.swa = copy.deepcopy(net).requires_grad_(False)
        self.register_buffer("n", torch.zeros(()))
        return net

    def rate(self, t: float) -> float:
        """The factor on the learning rate."""
        if t >= self.first:
            t = self.first - self.cycle + (t - self.first + ROUNDING) % self.cycle
        return (1 + math.cos(math.pi * t / self.anneal)) / 2

    def due(self, t: float) -> float:
        """How many theta_i there are to be by now."""
        return max(0, math.floor((t - self.first + self.cycle) / self.every + ROUNDING) + 1)

    @torch.no_grad()
    def collect(self, student: Student) -> None:
        """theta_SWA takes in the present weights if it is their turn: the same operations in every step."""
        turn = (self.n < student.now(self.due)).float()
        self.n.add_(turn)
        weight = turn / self.n.clamp(min=1)
        for mean, theta in zip(self.swa.parameters(), student.net.parameters(), strict=True):
            mean.lerp_(theta, weight)

    def loss(self, student: Student, batch: Batch) -> Step:
        self.collect(student)
        return super().loss(student, batch)

    def fit(self, trainer: Trainer, net: nn.Module) -> Any:
        return trainer.train(self, net, schedule=self.rate)

    def graded(self, student: Student, batches: Iterator[Batch]) -> nn.Module:
        if not self.n:
            return super().graded(student, batches)
        net = copy.deepcopy(self.swa).train()
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()
                module.momentum = None  # the mean over all batches to come
        with torch.no_grad():
            for batch in islice(batches, self.batches):
                net(torch.cat([batch.x, batch.u[0]]))
        return net.eval()
