"""The tangent of a function by the tape, beside the truth."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.influence.tape import Tape


def matrix(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape))


def truth(f: Callable[[dict[str, Tensor]], Tensor], params: dict[str, Tensor], v: dict[str, Tensor]) -> Tensor:
    """The tangent of f by reverse mode over reverse mode; random numbers and graphs as in a plain pass."""
    out = f(params)
    u = torch.zeros_like(out, requires_grad=True)
    pulled = torch.autograd.grad(out, list(params.values()), u, create_graph=True, allow_unused=True)
    product = sum((g * v[name]).sum() for name, g in zip(params, pulled, strict=True) if g is not None)
    return torch.autograd.grad(product, u)[0]


def carried(f: Callable[[dict[str, Tensor], Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The tangent of f by the tape, and the truth."""
    x = torch.randn(4, 4)
    params = {"w": matrix(4, 4), "v": matrix(4, 4), "b": matrix(4)}
    v = {key: torch.randn_like(p) for key, p in params.items()}
    torch.manual_seed(3)
    with Tape() as tape:
        out = f(params, x)
    found = tape.tangent({params[key]: v[key] for key in params}, out)
    torch.manual_seed(3)
    return found, truth(lambda p: f(p, x), params, v)
