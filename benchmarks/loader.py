"""Endless batches, made on the training device, in the views a method asked for."""

from typing import Any

import torch
from torch import Tensor

from benchmarks.task import Task
from methods.base import Batch


class Stream:
    """Indices 0..n-1 in an endless chain of random permutations."""

    def __init__(self, n: int, generator: torch.Generator) -> None:
        self.n, self.generator = n, generator
        self.left = torch.empty(0, dtype=torch.int64, device=generator.device)

    def take(self, k: int) -> Tensor:
        """The next k indices [k]."""
        while len(self.left) < k:
            more = torch.randperm(self.n, generator=self.generator, device=self.generator.device)
            self.left = torch.cat([self.left, more])
        taken, self.left = self.left[:k], self.left[k:]
        return taken


class Loader:
    """`batch` labelled and `ratio * batch` unlabelled inputs a step; no worker processes, nothing leaves the device.

    All randomness comes from one generator, seeded with the run's seed; `state_dict` holds it and the positions.
    """

    def __init__(self, task: Task, views: tuple[str, ...], *, batch: int, ratio: int, seed: int) -> None:
        self.task, self.views = task, views
        self.batch, self.ratio = batch, ratio
        self.generator = torch.Generator(task.unlabelled.device)
        self.generator.manual_seed(seed)
        self.labelled = Stream(len(task.labelled.y), self.generator)
        self.unlabelled = Stream(len(task.unlabelled), self.generator)

    def next(self) -> Batch:
        augment, (x, y) = self.task.augment, self.task.labelled
        i = self.labelled.take(self.batch)
        j = self.unlabelled.take(self.batch * self.ratio if self.views else 0)
        u = self.task.unlabelled[j]
        views = tuple(augment(view, u, self.generator) for view in self.views)
        return Batch(augment("weak", x[i], self.generator), y[i], i, views, j)

    def state_dict(self) -> dict[str, Any]:
        return {
            "generator": self.generator.get_state(),
            "labelled": self.labelled.left.clone(),
            "unlabelled": self.unlabelled.left.clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"].cpu())
        self.labelled.left = state["labelled"].to(self.generator.device)
        self.unlabelled.left = state["unlabelled"].to(self.generator.device)
