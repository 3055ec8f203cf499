"""Forward-mode rules for the operators of encoders: products, layer norm, GELU, dropout.

A product costs one product for each tangent, where PyTorch's rule computes the primal again beside them. Layer norm's
and GELU's Jacobians are symmetric, so that their backward kernels are forward-mode products as well. Embeddings,
softmax and sums over tokens are left to PyTorch's rules.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.influence.rules import Noted, Op, Tangents, primal


def _sum(*terms: Tensor | None) -> Tensor | None:
    out = None
    for term in terms:
        if term is not None:
            out = term if out is None else out + term
    return out


def _push_linear(op: Op, tangents: Tangents) -> Tensor | None:
    """dx W^T + x dW^T + db."""
    x, weight = primal(op.args[0]), primal(op.args[1])
    dx, dw, db = (*tangents, None)[:3]
    moved = F.linear(x, dw, db) if dw is not None else None
    through = F.linear(dx, weight) if dx is not None else None
    if dw is None and db is not None:
        through = db.expand(*x.shape[:-1], -1) if through is None else through + db
    return _sum(through, moved)


def _push_matmul(op: Op, tangents: Tangents) -> Tensor | None:
    """da b + a db."""
    (a, b), (da, db) = map(primal, op.args), tangents
    return _sum(None if da is None else da @ b, None if db is None else a @ db)


def _layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Noted:
    return F.layer_norm(x, normalized_shape, weight, bias, eps), (x, normalized_shape, weight, bias, eps)


def _push_layer_norm(op: Op, tangents: Tangents) -> Tensor | None:
    """With x^ the normalised input: weight (dx - mean dx - x^ mean(x^ dx)) / sd + x^ dweight + dbias."""
    x, shape, weight, _bias, eps = map(primal, op.args)
    dx, _, dw, db, _ = tangents
    normalised, mean, inverse = torch.native_layer_norm(x, shape, None, None, eps)
    through = None
    if dx is not None:
        through, _, _ = torch.ops.aten.native_layer_norm_backward(
            dx.to(x.dtype), x, shape, mean, inverse, None, None, [True, False, False]
        )
        through = through if weight is None else through * weight
    affine = None if dw is None else normalised * dw
    return _sum(through, affine, None if db is None else db.expand_as(normalised))


def _push_gelu(op: Op, tangents: Tangents) -> Tensor | None:
    (dx,) = tangents
    return None if dx is None else torch.ops.aten.gelu_backward(dx.to(op.args[0].dtype), primal(op.args[0]))


def _dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Noted | None:
    """F.dropout, drawing as it does, and what its tangent needs: which numbers stay, and times what.

    None where it draws nothing, or in place, which is PyTorch's own to do.
    """
    if not training or inplace or not 0 < p < 1:
        return None
    out, stays = torch.native_dropout(x, p, True)
    return out, (x, stays, 1 / (1 - p))


def push_dropout(op: Op, tangents: Tangents) -> Tensor | None:
    _, stays, scale = op.args
    dx = tangents[0]
    return None if dx is None else dx * stays * scale


RULES: dict[Any, Callable[[Op, Tangents], Any]] = {
    F.linear: _push_linear,
    torch.matmul: _push_matmul,
    Tensor.matmul: _push_matmul,
    Tensor.__matmul__: _push_matmul,
    F.gelu: _push_gelu,
}
#: what is called by names, or leaves behind what its tangent needs
NOTED: dict[Any, tuple[Callable[..., Noted | None], Callable[[Op, Tangents], Any]]] = {
    F.layer_norm: (_layer_norm, _push_layer_norm),
    F.dropout: (_dropout, push_dropout),
}
