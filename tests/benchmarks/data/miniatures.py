"""Data sets of a few tiny images, and tasks made of them."""

from typing import Any

import numpy as np

from benchmarks.data import task as tasks
from benchmarks.data.arrays import Arrays
from benchmarks.data.augment import Augment
from benchmarks.data.images import Images
from benchmarks.data.task import Answers, Task


def augmenting(channels: int = 3) -> Augment:
    numbers = {"mean": [0.5] * channels, "std": [0.25] * channels, "translate": 1.0, "probability": 1.0}
    return Augment(**numbers, flip=False, shift=1, cutout=2, draws=1)  # type: ignore[arg-type]


def arrays(per_class: list[int], *, size: int = 4, channels: int = 3, **more: Any) -> Arrays:
    """Images that tell their own index (from the first pixel's first two bytes), in a random order of classes."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(per_class)), per_class))
    x = np.random.default_rng(1).integers(0, 256, (len(y), size, size, channels), dtype=np.uint8)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = np.arange(len(y)) // 256, np.arange(len(y)) % 256
    return Arrays(x, y, x[:30].copy(), y[:30].copy(), **more)


def index(x: Images) -> list[int]:
    """Which of the training images these are."""
    return (x.pixels[:, 0, 0, 0].int() * 256 + x.pixels[:, 0, 0, 1].int()).tolist()


def build(**changed: Any) -> tuple[Task, Answers]:
    settings = {
        "name": "mine",
        "seed": 0,
        "labels": 20,
        "balance": "equal",
        "validation": 0,
        "include_labelled": True,
        "imbalance": None,
        "subset": None,
        "augment": augmenting(),
    }
    return tasks.build(**settings | changed)  # type: ignore[arg-type]
