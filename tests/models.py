"""Small networks of every kind and batches for them, and methods at their YAML's numbers."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from benchmarks.assemble import make
from benchmarks.config import compose
from benchmarks.nets.cnn13 import CNN13
from benchmarks.nets.tiny import TinyNet
from benchmarks.nets.wrn import WideResNet
from benchmarks.training.schedules import constant
from benchmarks.training.student import Student
from methods.base import Batch, Facts, Method

N_CLASSES, LABELLED, UNLABELLED = 4, 5, 8
BN = {"leak": 0.1, "bn_momentum": 0.1, "bn_eps": 1e-3}
NETS: dict[str, Callable[..., nn.Module]] = {
    "tf": partial(WideResNet, depth=10, width=1, variant="tf", first_stride=1, stages=[16, 32, 64], **BN),
    "torchssl": partial(WideResNet, depth=10, width=1, variant="torchssl", first_stride=1, stages=[16, 32, 64], **BN),
    "cnn13": partial(CNN13, width=4, **BN),
    "tiny": partial(TinyNet, widths=[4, 6], strides=[1, 2], **BN),
}
every_net = pytest.mark.parametrize("kind", NETS)
FACTS = Facts(N_CLASSES, torch.arange(2 * N_CLASSES) % N_CLASSES, torch.full((N_CLASSES,), 2), UNLABELLED)


def student_of(kind: str, engine: str = "forward") -> Student:
    """A student whose batch norm has gains and shifts, so that their tangents count."""
    torch.manual_seed(1)
    net = NETS[kind](in_channels=2, n_classes=N_CLASSES)
    with torch.no_grad():
        for p in net.parameters():
            if p.ndim == 1:
                p.add_(torch.randn_like(p), alpha=0.2)
    optimizer = partial(torch.optim.SGD, lr=0.3, momentum=0.9, nesterov=True, weight_decay=1e-3)
    return Student(net, optimizer=optimizer, schedule=constant, decay=0.99, steps=100, engine=engine)


def images(n: int) -> Tensor:
    """Noise around a colour of their own, so that a net tells them apart."""
    return torch.randn(n, 2, 12, 12) + 2 * torch.randn(n, 2, 1, 1)


def batch_of(*views: str, seed: int = 2) -> Batch:
    torch.manual_seed(seed)
    x, y = images(LABELLED), torch.randint(N_CLASSES, (LABELLED,))
    u = tuple(images(UNLABELLED) for _ in views)
    return Batch(x, y, torch.arange(LABELLED), u, torch.arange(UNLABELLED))


def method_of(name: str, *numbers: str) -> Method:
    """A method at its YAML's numbers, before its setup."""
    method: Method = make(compose([f"method={name}", *(f"method.{number}" for number in numbers)]).method)
    return method


def relative(a: Tensor, b: Tensor) -> float:
    return (torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b)).item()


def own_buffers(net: nn.Module) -> dict[str, Tensor]:
    return {name: b.clone() for name, b in net.named_buffers()}


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * logits.log_softmax(-1)).sum(-1)


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
