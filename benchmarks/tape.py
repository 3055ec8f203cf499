"""Forward-mode differentiation of a pass already made: it keeps every primal value, so only tangents are computed.

PyTorch's own forward mode runs the whole pass once more beside the tangents, and takes batch norm apart into a dozen
passes over memory. Here a tape notes the operators of the first pass, and `tangent` carries tangents through it: by
the fast rules of `tangent.py`, and by PyTorch's rule for any other operator alone. Exact, like forward mode (tested
against it).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from benchmarks.errors import UserError
from benchmarks.tangent import (
    RULES,
    Lookup,
    Op,
    Value,
    _batch_norm,
    _full,
    _push_add_in_place,
    _push_batch_norm,
    _push_leaky_relu,
)


class Tape(TorchFunctionMode):
    """Within the context, every operator that makes a tensor from parameters is noted, in order.

    A noted tensor stays alive as long as the tape, so that its id is its own. What cannot be carried is refused (a
    UserError in `tangent`): operators without a forward-mode rule, random ones, those that the tape did not see
    (autograd.Function), and values modified in place, for which versions are compared as autograd does. Whatever
    reverse mode holds constant (detached, made without gradients) is constant here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, structure = kwargs or {}, None
        rule = RULES.get(function, _push_any)
        if kwargs and rule is not _push_leaky_relu:  # the other rules are for calls as modules write them
            rule = _push_any
        takes = _values(args) if rule is _push_add_in_place else None  # before it is added to
        if function is F.batch_norm and kwargs.get("training", False):
            out, args = _batch_norm(*args, **kwargs)
            rule, kwargs = _push_batch_norm, {}
        else:
            out = function(*args, **kwargs)
        outs = [out] if isinstance(out, Tensor) else tree_leaves(out) if isinstance(out, (tuple, list)) else []
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in outs):
            if rule is _push_any:  # flat: a list among the arguments may grow later
                args, structure = tree_flatten((args, kwargs))
            makes = [_value(leaf) if isinstance(leaf, Tensor) else None for leaf in outs]
            self.ops.append(Op(rule, function, args, kwargs, out, structure, takes or _values(args), makes))
        return out

    @torch.no_grad()
    def tangent(self, tangents: Mapping[Tensor, Tensor], of: Tensor) -> Tensor:
        """The tangent of `of`, a value of the pass, for the given tangents of its inputs (parameters)."""
        known: dict[int, tuple[int | None, Tensor | None]] = {id(p): (None, dp) for p, dp in tangents.items()}
        last = {id(value.tensor): op for op in self.ops for value in op.takes}  # which reads a tangent last
        last.pop(id(of), None)  # nobody does: it is the answer

        def take(value: Value, function: Any) -> Tensor | None:
            if not value.live or (value.leaf and id(value.tensor) not in known):
                return None
            if id(value.tensor) not in known:
                origin = value.tensor.grad_fn.name() if value.tensor.grad_fn else "now detached"
                raise _refusal(function, f"the tape did not see its input being made ({origin})")
            version, tangent = known[id(value.tensor)]
            if version not in (None, value.version):
                raise _refusal(function, "its input was modified in place")
            return tangent

        for op in self.ops:
            taken = {id(value.tensor): take(value, op.function) for value in op.takes}
            pushed: Any = None
            if any(tangent is not None for tangent in taken.values()):
                pushed = op.rule(op, lambda value, taken=taken: taken.get(id(value)))  # type: ignore[misc]
                if op.rule is not _push_add_in_place and any(v.tensor._version != v.version for v in op.takes):
                    raise _refusal(op.function, "its input was modified in place")
            if pushed is None or isinstance(pushed, Tensor):
                pushed = [pushed] * len(op.makes)
            known |= {id(v.tensor): (v.version, d) for v, d in zip(op.makes, pushed, strict=True) if v and v.live}
            for key in taken:
                if last.get(key) is op:  # its memory serves the next operator
                    known.pop(key, None)
        result = take(_value(of), "the result")
        return torch.zeros_like(of) if result is None else result


def _value(tensor: Tensor) -> Value:
    return Value(tensor, tensor._version, tensor.requires_grad, tensor.is_leaf)


def _values(args: Iterable[Any]) -> list[Value]:
    return [_value(arg) for arg in args if isinstance(arg, Tensor)]


def _refusal(function: Any, why: str) -> UserError:
    name = function if isinstance(function, str) else resolve_name(function) or getattr(function, "__name__", function)
    return UserError(f"engine=forward cannot differentiate {name}: {why}; choose engine=finite_difference")


def _push_any(op: Op, lookup: Lookup) -> list[Tensor | None]:
    """PyTorch's forward-mode rule for one operator."""
    device = op.takes[0].tensor.device
    generator = torch.cuda.default_generators[device.index] if device.type == "cuda" else torch.default_generator
    before = generator.get_state()
    with forward_ad.dual_level():
        tangents = [lookup(leaf) for leaf in op.args]
        duals = [
            _full(leaf) if tangent is None else forward_ad.make_dual(_full(leaf), tangent)
            for leaf, tangent in zip(op.args, tangents, strict=True)
        ]
        args, kwargs = tree_unflatten(duals, op.structure)
        try:
            outs = tree_leaves(op.function(*args, **kwargs))
        except NotImplementedError as error:
            raise _refusal(op.function, "it has no forward-mode rule") from error
        pushed = [
            forward_ad.unpack_dual(out).tangent if value and value.live else None
            for out, value in zip(outs, op.makes, strict=True)
        ]
    if not torch.equal(before, generator.get_state()) or any(isinstance(leaf, torch.Generator) for leaf in op.args):
        raise _refusal(op.function, "it is random")
    return pushed
