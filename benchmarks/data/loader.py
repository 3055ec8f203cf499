"""Endless batches, made on the training device, in the views a method asked for."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.data.task import Task
from methods.base import Batch


def derive(*numbers: int) -> int:
    """A seed of its own for each tuple of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Stream:
    """Indices 0..n-1 in an endless chain of random permutations."""

    def __init__(self, n: int, generator: torch.Generator) -> None:
        self.n, self.generator = n, generator
        self.left = torch.empty(0, dtype=torch.int64, device=generator.device)

    def take(self, k: int) -> Tensor:
        """The next k indices [k]."""
        while len(self.left) < k:
            self.left = torch.cat([self.left, self.round()])
        taken, self.left = self.left[:k], self.left[k:]
        return taken

    def round(self) -> Tensor:
        """Every index once."""
        return self.permutation(self.n)

    def permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator, device=self.generator.device)


class Balanced(Stream):
    """As many indices of each class, each class in an endless chain of random permutations of its own.

    A round holds every class as often as the largest has inputs; classes come in a random order.
    """

    def __init__(self, y: Tensor, generator: torch.Generator) -> None:
        super().__init__(len(y), generator)
        self.members = [torch.nonzero(y == c).flatten() for c in torch.unique(y)]

    def round(self) -> Tensor:
        largest = max(map(len, self.members))
        columns = []
        for own in self.members:
            times = -(-largest // len(own))
            rounds = [own[self.permutation(len(own))] for _ in range(times)]
            columns.append(torch.cat(rounds)[:largest])
        rows = torch.stack(columns, 1)  # [largest, classes]: a class once a row
        keys = torch.rand(rows.shape, generator=self.generator, device=rows.device)
        return rows.gather(1, keys.argsort(1)).flatten()


class Loader:
    """`batch` labelled and `ratio * batch` unlabelled inputs a step; no worker processes, nothing leaves the device.

    All randomness comes from one generator, seeded with `seed`; `state_dict` holds it and the positions.
    """

    def __init__(
        self, task: Task, views: tuple[str, ...], *, batch: int, ratio: int, seed: int, labelled_view: str = "weak"
    ) -> None:
        self.task, self.views, self.labelled_view = task, views, labelled_view
        self.batch, self.ratio = batch, ratio
        self.generator = torch.Generator(task.unlabelled.device)
        self.generator.manual_seed(seed)
        y = task.labelled.y
        self.labelled = Balanced(y, self.generator) if task.balanced else Stream(len(y), self.generator)
        self.unlabelled = Stream(len(task.unlabelled), self.generator)

    def next(self) -> Batch:
        x, y = self.task.labelled
        i = self.labelled.take(self.batch)
        j = self.unlabelled.take(self.batch * self.ratio if self.views else 0)
        u = self.task.unlabelled.views(self.views, j, self.generator)
        (known,) = x.views((self.labelled_view,), i, self.generator)
        return Batch(known, y[i], i, u, j)

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
