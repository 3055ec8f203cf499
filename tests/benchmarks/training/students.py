"""A small student, and images for it."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.training.schedules import constant
from benchmarks.training.student import Student


def net() -> nn.Sequential:
    """Parameters of one and of two or more dimensions, and buffers."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def student(**changed: Any) -> Student:
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Student(
        net(),
        **{"optimizer": optimizer, "schedule": constant, "decay": 0.9, "steps": 10, "engine": "forward"} | changed,
    )


def images(n: int = 5) -> Tensor:
    return torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(n))


def still(s: Student) -> Tensor:
    """A loss that depends on every parameter and moves none."""
    return sum(p.sum() for p in s.parameters) * 0


def copies(parameters: Any) -> list[Tensor]:
    return [p.detach().clone() for p in parameters]


def same(a: Any, b: Any) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a, b, strict=True))
