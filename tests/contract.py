"""Every method in turn, at the smallest scale, and what its steps and runs leave behind."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from conftest import Parts
from hydra.utils import get_class
from torch import Tensor, nn

from benchmarks.config import compose, options
from methods.base import Method

METHODS = options("method")
UNSUPERVISED = [name for name in METHODS if get_class(compose([f"method={name}"]).method._target_).views]
SMALLER = {
    "meta_semi_assumption": ["method.samples=2"],
    "simmatch": ["method.tau=0.5"],  # a bank that is random yet agrees with no prediction
}
#: one-hot predictions have no gradient: the square between two softmaxes; a label that is the input's own prediction
SATURABLE = {"mean_teacher", "mt_fast_swa", "meta_semi_mixup_labelled", "meta_semi_no_mixup"}
REMEMBERING = {"temporal_ensembling", "sntg"}  # which compare inputs with what they were
PERIODS = {  # several within 12 steps
    "adsh": ["method.period=0.2"],
    "darp": ["method.every=3", "method.warm_up=0.3"],
    "dash": ["method.warm_up=0.4", "method.period=0.3"],
    "dash_torchssl": ["method.warm_up=0.4", "method.period=0.3"],
    "ict": ["method.ramp=0.3"],
    "comatch": ["method.queue=30", "method.window=5"],
    "ldam": ["method.switch=0.5"],
    "simmatch": ["method.warm_up=0.3", "method.window=5"],
    "uda": ["method.tsa=linear"],
}
every_method = pytest.mark.parametrize("name", METHODS)
every_unsupervised = pytest.mark.parametrize("name", UNSUPERVISED)


def smoke(name: str) -> list[str]:
    return [f"method={name}", "scale=smoke", *SMALLER.get(name, [])]


def class_of(name: str) -> type[Method]:
    return get_class(compose([f"method={name}"]).method._target_)


def tensors(values: Any) -> Iterator[Tensor]:
    """All tensors within what an object holds; functions and modules of code are not opened."""
    seen: set[int] = set()
    stack = [values]
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, (str, bytes, int, float, type)) or inspect.isroutine(value):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, dict):
            stack += [*value.keys(), *value.values()]
        elif isinstance(value, (tuple, list, set)):
            stack += value
        stack += vars(value).values() if hasattr(value, "__dict__") else ()


def state(parts: Parts) -> list[Tensor]:
    """Everything that training changes, as copies."""
    everything = (parts.student.state_dict(), parts.method.state_dict(), parts.loader.state_dict())
    found = sorted((path, t.clone()) for path, t in flat(everything))
    return [t for _, t in found]


def flat(node: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        yield path, node
    elif isinstance(node, (dict, list, tuple)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from flat(value, f"{path}/{key}")


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def confident(net: nn.Module) -> None:
    """Makes a net's predictions pass any threshold."""
    with torch.no_grad():
        net.classifier.weight.mul_(1000)


def sure(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, for networks that are confident from the start."""

    def made(node: Any, **more: Any) -> Any:
        thing = make(node, **more)
        if isinstance(thing, nn.Module) and hasattr(thing, "classifier"):
            confident(thing)
        return thing

    return made


def midway(parts: Parts) -> Parts:
    """Where every threshold, warm-up and ramp lets unlabelled inputs in."""
    if parts.cfg.method.name not in SATURABLE:
        confident(parts.student.net)
        confident(parts.student.average)
    if parts.cfg.method.name in REMEMBERING:
        parts.method.t.add_(1)  # every input has been seen once
    parts.student.step = parts.student.steps // 2
    return parts


def stop_after(steps: int) -> Callable[[], bool]:
    """The trainer asks once a step."""
    asked = iter(range(1, 1000))
    return lambda: next(asked) == steps
