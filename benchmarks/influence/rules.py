"""Fast forward-mode rules for the operators that a network spends its time in (the tape that asks is in `tape.py`).

A convolution costs two convolutions, conv(dx, W) + conv(x, dW); batch norm and the leaky rectifier cost one fused
kernel each, because their Jacobians are symmetric, so that the backward kernel is the forward-mode product as well.
Tangents have the precision of the values that they belong to: bfloat16 where autocast ran the pass so, and then it
runs the rules' convolutions so as well. Sums over a batch are float32 there, within batch norm's kernels.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Tangents = Sequence[Tensor | None]
"""Of an operator's arguments, in their order; None where one has none."""

Noted = tuple[Tensor, tuple[Any, ...]]
"""The outcome of an operator that was carried out in another way, and what its rule needs."""


class Value(NamedTuple):
    """A tensor as it was when an operator took or made it; in-place operators change the version."""

    number: int  #: the tape's name for it, for the tensor itself may be gone
    version: int
    live: bool  #: it depends on a parameter, as reverse mode sees it
    leaf: bool
    origin: str  #: what made it, as autograd calls that


class Op(NamedTuple):
    rule: Callable[["Op", Tangents], Tensor | Tangents | None]
    function: Callable[..., Any]
    args: Sequence[Any]  #: what the rule needs of them; flat and together with keywords where there is a `structure`
    kwargs: dict[str, Any]
    structure: Any
    takes: Sequence[Value | None]  #: None for what is no tensor
    makes: Sequence[Value | None]  #: as the outcome flattened


def primal(value: Any) -> Any:
    """A primal value without its graph; anything else as it is."""
    return value.detach() if isinstance(value, Tensor) else value


def push_conv(op: Op, tangents: Tangents) -> Tensor | None:
    """conv(dx, W) + conv(x, dW) + db."""
    x, weight, _bias, *rest = op.args if len(op.args) > 2 else (*op.args, None)
    dx, dw, db = (*tangents, None)[:3]
    if dw is None and db is not None:
        dw = torch.zeros_like(weight)
    out = None if dw is None else F.conv2d(primal(x), dw, db, *rest)
    if dx is None:
        return out
    through = F.conv2d(dx, weight, None, *rest)
    return through if out is None else through.add_(out)


def push_leaky_relu(op: Op, tangents: Tangents) -> Tensor | None:
    x, slope = op.args[0], (op.args[1] if len(op.args) > 1 else op.kwargs.get("negative_slope", 0.01))
    dx = tangents[0]
    return None if dx is None else torch.ops.aten.leaky_relu_backward(dx.to(x.dtype), primal(x), slope, False)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Noted | None:
    """F.batch_norm in training, and what its tangent needs: the batch's mean and 1 / standard deviation."""
    if not training:
        return None
    out, mean, inverse = torch.native_batch_norm(x, weight, bias, running_mean, running_var, True, momentum, eps)
    return out, (x, weight, bias, mean.detach(), inverse.detach(), eps)


def push_batch_norm(op: Op, tangents: Tangents) -> Tensor | None:
    """With x^ the normalised input: weight (dx - mean dx - x^ mean(x^ dx)) / sd + x^ dweight + dbias."""
    x, weight, _bias, mean, inverse, eps = op.args
    dx, dw, db = tangents[:3]
    if dw is None and db is not None:
        dw = torch.zeros_like(db)
    x, out = primal(x), None
    if dx is not None:  # the Jacobian in x is symmetric: this is batch norm's own backward kernel
        out, _, _ = torch.ops.aten.native_batch_norm_backward(
            dx.to(x.dtype), x, weight, None, None, mean, inverse, True, eps, [True, False, False]
        )
    if dw is not None:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        scale = inverse * dw
        shift = -mean * scale if db is None else db - mean * scale
        affine = torch.addcmul(shift.view(shape), x, scale.view(shape)).to(x.dtype)
        out = affine if out is None else out.add_(affine)
    return out


def push_add(op: Op, tangents: Tangents) -> Tensor | None:
    """a + b, also in place. It needs no value of the pass but the outcome's shape, so the tape keeps none alive."""
    (shape,) = op.args
    da, db = tangents
    if da is not None and db is not None:
        return da + db
    only = db if da is None else da
    return None if only is None else only.expand(shape)


RULES: dict[Any, Callable[[Op, Tangents], Any]] = {
    F.conv2d: push_conv,
    torch.conv2d: push_conv,
    F.leaky_relu: push_leaky_relu,
    torch.add: push_add,
    Tensor.add: push_add,
    Tensor.__add__: push_add,
    Tensor.add_: push_add,
    Tensor.__iadd__: push_add,
}
NOTED: dict[Any, tuple[Callable[..., Noted | None], Callable[[Op, Tangents], Any]]] = {
    F.batch_norm: (_batch_norm, push_batch_norm),
}
