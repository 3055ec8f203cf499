"""A few steps of a method on digits."""

from collections.abc import Callable

from conftest import Parts
from torch import Tensor

from methods.base import Step


def trail(name: str, assemble: Callable[..., Parts], *numbers: str) -> tuple[list[Step], list[list[Tensor]], Parts]:
    """Six steps on digits: what they gave, the TGN after each, and the parts in the end."""
    parts = assemble(f"method={name}", "scale=smoke", *(f"method.{number}" for number in numbers))
    steps, thetas = [], []
    for _ in range(6):
        thetas.append([p.detach().clone() for p in parts.method.tgn.parameters()])
        steps.append(parts.step())
    thetas.append([p.detach().clone() for p in parts.method.tgn.parameters()])
    return steps, thetas, parts
