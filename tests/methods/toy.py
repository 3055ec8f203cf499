"""A student small enough to reckon by hand, and batches for it."""

import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.training.schedules import constant
from benchmarks.training.student import Student
from methods.base import Batch, Facts

C, B, MU = 3, 5, 2
M = 12  #: unlabelled inputs in all
FACTS = Facts(C, torch.tensor([0, 1, 2, 0, 1, 0]), torch.tensor([3, 2, 1]), M)


class ToyNet(nn.Module):
    """[B, 1, 4, 4] -> [B, 6] -> [B, C], with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.BatchNorm1d(6), nn.Tanh())
        self.classifier, self.feature_dim = nn.Linear(6, C), 6

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


def student_of(net: nn.Module | None = None, done: int = 50, steps: int = 100, own_statistics: bool = False) -> Student:
    """`done` of `steps` steps; its average has other weights and statistics than the net."""
    torch.manual_seed(1)
    net = ToyNet() if net is None else net
    how = {"optimizer": partial(torch.optim.SGD, lr=0.1), "schedule": constant, "own_statistics": own_statistics}
    student = Student(net, **how, decay=0.9, steps=steps)
    student.count = done
    with torch.no_grad():
        for tensor in (*student.average.parameters(), *student.average.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor), alpha=0.5)
    return student


def batch_of(views: int, seed: int = 2, j: Tensor | None = None) -> Batch:
    torch.manual_seed(seed)
    u = tuple(torch.randn(MU * B, 1, 4, 4) for _ in range(views))
    j = torch.randperm(M)[: MU * B] if j is None else j
    return Batch(torch.randn(B, 1, 4, 4), torch.randint(C, (B,)), torch.arange(B), u, j)


def logits(net: nn.Module, x: Tensor) -> np.ndarray:
    """What the net says in training mode, float64; nothing of it changes."""
    with torch.no_grad():
        return copy.deepcopy(net).train()(x).double().numpy()


def softmax(a: np.ndarray) -> np.ndarray:
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def H(p: Any, q: np.ndarray) -> float:
    """Mean cross-entropy of targets p, classes [B] or distributions [B, C], and predictions q [B, C]."""
    p = np.asarray(p)
    return float(-((np.eye(q.shape[1])[p] if p.ndim == 1 else p) * np.log(q)).sum(-1).mean())


def statistics(net: nn.Module) -> list[Tensor]:
    """Batch norm's running statistics."""
    return [buffer.clone() for buffer in net.buffers()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(s, t) for s, t in zip(a, b, strict=True))
