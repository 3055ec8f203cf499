"""Forward-mode differentiation of a pass already made: it keeps every primal value, so only tangents are computed.

PyTorch's own forward mode runs the whole pass once more beside the tangents, and takes batch norm apart into a dozen
passes over memory. Here a tape notes the operators of the first pass, and `tangent` carries tangents through it: a
convolution costs two convolutions, conv(dx, W) + conv(x, dW); batch norm and the leaky rectifier cost one fused kernel
each, because their Jacobians are symmetric, so that the backward kernel is the forward-mode product as well. Any other
operator falls back on PyTorch's rule for that operator alone. Exact, like forward mode (tested against it). Tangents
are float32 (or float64) also where the pass itself ran in bfloat16.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

Lookup = Callable[[Any], Tensor | None]
"""A value of the pass -> its tangent; None where it has none."""


class Op(NamedTuple):
    rule: Callable[["Op", Lookup], Tensor | None]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Tensor


class Tape(TorchFunctionMode):
    """Within the context, every operator that makes a tensor from tensors is noted, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is F.batch_norm and kwargs.get("training", False):
            out, args = _batch_norm(*args, **kwargs)
            self.ops.append(Op(_push_batch_norm, function, args, {}, out))
            return out
        out = function(*args, **kwargs)
        if isinstance(out, Tensor):
            rule = RULES.get(function, _push_any)
            self.ops.append(Op(rule, function, args, kwargs, out))
        return out

    @torch.no_grad()
    def tangent(self, tangents: Mapping[Tensor, Tensor], of: Tensor) -> Tensor:
        """The tangent of `of`, a value of the pass, for the given tangents of its inputs (parameters)."""
        known = {id(value): tangent for value, tangent in tangents.items()}

        def lookup(value: Any) -> Tensor | None:
            return known.get(id(value))

        for op in self.ops:
            tangent = op.rule(op, lookup)
            if tangent is not None:
                known[id(op.out)] = tangent
        result = lookup(of)
        return torch.zeros_like(of) if result is None else result


def _full(value: Any) -> Any:
    """A primal value without its graph, in full precision; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().float() if value.dtype in (torch.bfloat16, torch.float16) else value.detach()


def _push_any(op: Op, lookup: Lookup) -> Tensor | None:
    """PyTorch's forward-mode rule for one operator."""
    leaves, structure = tree_flatten((op.args, op.kwargs))
    if all(lookup(leaf) is None for leaf in leaves if isinstance(leaf, Tensor)):
        return None
    with forward_ad.dual_level():
        duals = []
        for leaf in leaves:
            tangent = lookup(leaf) if isinstance(leaf, Tensor) else None
            duals.append(_full(leaf) if tangent is None else forward_ad.make_dual(_full(leaf), tangent))
        args, kwargs = tree_unflatten(duals, structure)
        return forward_ad.unpack_dual(op.function(*args, **kwargs)).tangent


def _push_conv(op: Op, lookup: Lookup) -> Tensor | None:
    """conv(dx, W) + conv(x, dW) + db."""
    x, weight, bias, *rest = op.args
    dx, dw, db = lookup(x), lookup(weight), lookup(bias)
    out = None if dw is None else F.conv2d(_full(x), dw, db, *rest)
    if dx is None:
        return out
    through = F.conv2d(dx, weight, None, *rest)
    return through if out is None else through.add_(out)


def _push_leaky_relu(op: Op, lookup: Lookup) -> Tensor | None:
    x, slope = op.args[0], (op.args[1] if len(op.args) > 1 else op.kwargs.get("negative_slope", 0.01))
    dx = lookup(x)
    return None if dx is None else torch.ops.aten.leaky_relu_backward(dx, _full(x), slope, False)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, tuple[Any, ...]]:
    """F.batch_norm in training, and what its tangent needs: the batch's mean and 1 / standard deviation."""
    out, mean, inverse = torch.native_batch_norm(x, weight, bias, running_mean, running_var, True, momentum, eps)
    return out, (x, weight, bias, mean.detach(), inverse.detach(), eps)


def _push_batch_norm(op: Op, lookup: Lookup) -> Tensor | None:
    """With x^ the normalised input: weight (dx - mean dx - x^ mean(x^ dx)) / sd + x^ dweight + dbias."""
    x, weight, bias, mean, inverse, eps = op.args
    dx, dw, db = lookup(x), lookup(weight), lookup(bias)
    x, out = _full(x), None
    if dx is not None:  # the Jacobian in x is symmetric: this is batch norm's own backward kernel
        out, _, _ = torch.ops.aten.native_batch_norm_backward(
            dx, x, weight, None, None, mean, inverse, True, eps, [True, False, False]
        )
    if dw is not None:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        scale = inverse * dw
        shift = -mean * scale if db is None else db - mean * scale
        affine = torch.addcmul(shift.view(shape), x, scale.view(shape))
        out = affine if out is None else out.add_(affine)
    return out


RULES: dict[Any, Callable[[Op, Lookup], Tensor | None]] = {
    F.conv2d: _push_conv,
    torch.conv2d: _push_conv,
    F.leaky_relu: _push_leaky_relu,
}
