"""Images as a kind of input: uint8 on the training device, in the views of `augment`, by index."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from benchmarks.data.augment import Augment
from benchmarks.data.shares import lost
from benchmarks.errors import UserError, blame
from benchmarks.machine import terminal

MOST = 0.5  #: of an image; where a strong view loses more on average, it is said


class Inputs(Protocol):
    """Inputs of one kind on one device. What else is known of a kind, its views and sizes, stands in its own file."""

    def __len__(self) -> int: ...
    def to(self, device: torch.device) -> Self: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dims(self) -> dict[str, Any]:
        """What a backbone's constructor is told of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input, as it is stored."""

    @property
    def size(self) -> int:
        """Numbers in one input."""

    def views(self, names: Sequence[str], index: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The inputs `index` [B] as a network takes them, in each view; random numbers come from `generator`."""

    def take(self, index: Tensor) -> Self:
        """These of them."""

    def join(self, other: Self) -> Self:
        """These, and then the others."""

    def check(self, name: str) -> None:
        """Do the numbers of the task fit inputs like these of the data set `name`? Raises UserError."""

    def suit(self, name: str, views: Sequence[str]) -> None:
        """Are these views, which a method asks for, worth having? May warn. Raises UserError where there are none."""


@dataclass(frozen=True, eq=False)
class Images:
    pixels: Tensor  #: uint8 [N, C, H, W]
    augment: Augment

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: torch.device) -> Self:
        return replace(self, pixels=self.pixels.to(device))

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    @property
    def dims(self) -> dict[str, int]:
        return {"in_channels": self.pixels.shape[1]}

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape[1:])

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def views(self, names: Sequence[str], index: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        pixels = self.pixels[index]
        return tuple(self.augment(name, pixels, generator) for name in names)

    def take(self, index: Tensor) -> Self:
        return replace(self, pixels=self.pixels[index])

    def join(self, other: Self) -> Self:
        return replace(self, pixels=torch.cat([self.pixels, other.pixels]))

    def check(self, name: str) -> None:
        """Is the augmentation for images like these of the data set `name`? Raises UserError."""
        channels, *size = self.pixels.shape[1:]
        if not channels == len(self.augment.mean) == len(self.augment.std):
            each = f"[{','.join(['0.5'] * channels)}]"
            raise UserError(
                f"{name} has images of {channels} channel{'s' * (channels > 1)}: give as many numbers to "
                f"task.augment.mean and task.augment.std, e.g. {each}"
            )
        with blame(f"task.augment does not suit images of {'x'.join(map(str, size))}"):
            self.views(("strong",), torch.arange(min(2, len(self))), torch.Generator())

    def suit(self, name: str, views: Sequence[str]) -> None:
        """Warns where a strong view, if there is one, loses most of an image."""
        if "strong" in views and (share := lost(self.augment, self.shape)) > MOST:
            size = "x".join(map(str, self.shape[1:]))
            terminal.warn(
                f"a strong view loses {share:.0%} of an image of {size} on average: lower "
                "task.augment.cutout and task.augment.translate (python -m benchmarks.views shows it)"
            )


def images(x: np.ndarray, augment: Augment, index: np.ndarray | None = None) -> Images:
    """From uint8 [N, H, W, C], or from those of them that `index` names; nothing is copied twice."""
    index = np.arange(len(x)) if index is None else index
    n, h, w, c = len(index), *x.shape[1:]
    pixels = torch.empty(n, c, h, w, dtype=torch.uint8)
    for some in np.array_split(np.arange(n), max(1, n // 1000)):
        pixels.numpy()[some] = x[index[some]].transpose(0, 3, 1, 2)
    return Images(pixels, augment)
