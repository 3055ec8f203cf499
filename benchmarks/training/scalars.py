"""The numbers of a replayed step that Python reckons: learning rates, ramps, warm-ups."""

from collections.abc import Hashable

import torch
from torch import Tensor

from methods.base import Schedule


class Scalars:
    """Numbers on the device, filled anew before each step.

    Steps of one phase ask for the same numbers in the same order, so the k-th question of a step names its number.
    """

    def __init__(self, like: Tensor) -> None:
        self.like = like
        self.known: dict[Hashable, list[tuple[Schedule, Tensor]]] = {}
        self.phase: Hashable = None
        self.asked = 0

    def begin(self, phase: Hashable, progress: float) -> None:
        """A step of `phase` comes, in Python or replayed, at a share `progress` of the training."""
        self.phase, self.asked = phase, 0
        for schedule, scalar in self.known.get(phase, ()):
            scalar.fill_(schedule(progress))

    def read(self, schedule: Schedule, progress: float) -> Tensor:
        known = self.known.setdefault(self.phase, [])
        if self.asked == len(known):  # the first step of its phase, which is never a recorded one
            known.append((schedule, torch.full_like(self.like, schedule(progress))))
        scalar = known[self.asked][1]
        known[self.asked] = schedule, scalar
        self.asked += 1
        return scalar

    def complete(self) -> bool:
        """Has this step asked for all the numbers of its phase?"""
        return self.asked == len(self.known.get(self.phase, ()))
