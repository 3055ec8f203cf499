"""Forward-mode differentiation of a pass already made: it keeps every primal value, so only tangents are computed.

PyTorch's own forward mode runs the whole pass once more beside the tangents, and takes batch norm apart into a dozen
passes over memory. Here a tape notes the operators of the first pass, and `tangent` carries tangents through it: by
the fast rules of `rules.py` and `encoders.py`, and by PyTorch's rule for any other operator alone. Exact, like forward
mode (tested against it).
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from torch.utils.weak import WeakIdKeyDictionary

from benchmarks.errors import UserError
from benchmarks.influence import encoders
from benchmarks.influence.encoders import push_dropout
from benchmarks.influence.rules import (
    NOTED,
    RULES,
    Op,
    Tangents,
    Value,
    primal,
    push_add,
    push_leaky_relu,
)

FAST = RULES | encoders.RULES
OTHERWISE = NOTED | encoders.NOTED


class Tape(TorchFunctionMode):
    """Within the context, every operator that makes a tensor from parameters is noted, in order.

    It keeps what the rules need and no more, so that a noted pass takes hardly more memory than a plain one. What
    cannot be carried is refused (a UserError in `tangent`): operators without a forward-mode rule, random ones, those
    that the tape did not see (autograd.Function), and values modified in place, for which versions are compared as
    autograd does. Whatever reverse mode holds constant (detached, made without gradients) is constant here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.numbers = WeakIdKeyDictionary()  # tensor -> number; an id may be another tensor's later
        self.count = itertools.count()

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, structure = kwargs or {}, None
        rule = FAST.get(function, _push_any)
        if kwargs and rule is not push_leaky_relu:  # the other rules are for calls as modules write them
            rule = _push_any
        before = self._values(args) if rule is push_add else None  # in place, it changes what it takes
        carry_out, push = OTHERWISE.get(function, (None, None))
        if carry_out and push and (noted := carry_out(*args, **kwargs)):
            (out, args), rule, kwargs = noted, push, {}
        else:
            out = function(*args, **kwargs)
        outs = [out] if isinstance(out, Tensor) else tree_leaves(out) if isinstance(out, (tuple, list)) else []
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in outs):
            if rule is _push_any:  # flat: a list among the arguments may grow later
                args, structure = tree_flatten((args, kwargs))
            takes = before or self._values(args)
            kept = (out.shape,) if rule is push_add else (None, *args[1:]) if rule is push_dropout else args
            self.ops.append(Op(rule, function, kept, kwargs, structure, takes, self._values(outs)))
        return out

    @torch.no_grad()
    def tangent(self, tangents: Mapping[Tensor, Tensor], of: Tensor) -> Tensor:
        """The tangent of `of`, a value of the pass, for the given tangents of its inputs (parameters)."""
        known: dict[int, tuple[int | None, Tensor | None]] = {self._number(p): (None, dp) for p, dp in tangents.items()}
        last = {value.number: op for op in self.ops for value in op.takes if value}  # which reads a tangent last
        last.pop(self._number(of), None)  # nobody does: it is the answer

        def take(value: Value | None, function: Any) -> Tensor | None:
            if value is None or not value.live or (value.leaf and value.number not in known):
                return None
            if value.number not in known:
                raise _refusal(function, f"the tape did not see its input being made ({value.origin})")
            version, tangent = known[value.number]
            if version not in (None, value.version):
                raise _refusal(function, "its input was modified in place")
            return tangent

        for op in self.ops:
            taken = [take(value, op.function) for value in op.takes]
            pushed: Any = None
            if any(tangent is not None for tangent in taken):
                pushed = op.rule(op, taken)
                if _modified(op):
                    raise _refusal(op.function, "its input was modified in place")
            if pushed is None or isinstance(pushed, Tensor):
                pushed = [pushed] * len(op.makes)
            known |= {v.number: (v.version, d) for v, d in zip(op.makes, pushed, strict=True) if v and v.live}
            for value in op.takes:
                if value and last.get(value.number) is op:  # its memory serves the next operator
                    known.pop(value.number, None)
        result = take(self._value(of), "the result")
        return torch.zeros_like(of) if result is None else result

    def _number(self, tensor: Tensor) -> int:
        if tensor not in self.numbers:
            self.numbers[tensor] = next(self.count)
        return self.numbers[tensor]

    def _value(self, tensor: Tensor) -> Value:
        origin = tensor.grad_fn.name() if tensor.grad_fn else "now detached"
        return Value(self._number(tensor), tensor._version, tensor.requires_grad, tensor.is_leaf, origin)

    def _values(self, args: Iterable[Any]) -> list[Value | None]:
        return [self._value(arg) if isinstance(arg, Tensor) else None for arg in args]


def _modified(op: Op) -> bool:
    """Whether a value that the rule read is no longer what it was in the pass."""
    return any(
        value and isinstance(arg, Tensor) and arg._version != value.version
        for arg, value in zip(op.args, op.takes, strict=False)  # a sum keeps no values
    )


def _refusal(function: Any, why: str) -> UserError:
    name = function if isinstance(function, str) else resolve_name(function) or getattr(function, "__name__", function)
    return UserError(f"engine=forward cannot differentiate {name}: {why}; choose engine=finite_difference")


def _push_any(op: Op, tangents: Tangents) -> list[Tensor | None]:
    """PyTorch's forward-mode rule for one operator."""
    device = next(tangent for tangent in tangents if tangent is not None).device
    before = _drawn(device)
    with forward_ad.dual_level():
        duals = [
            primal(leaf) if tangent is None else forward_ad.make_dual(primal(leaf), tangent.to(leaf.dtype))
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
    if before != _drawn(device) or any(isinstance(leaf, torch.Generator) for leaf in op.args):
        raise _refusal(op.function, "it is random")
    return pushed


def _drawn(device: torch.device) -> bytes:
    """A state that changes with every random number; not while a CUDA graph is recorded, of a step that was checked."""
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        return b""
    generator = torch.cuda.default_generators[device.index] if device.type == "cuda" else torch.default_generator
    return generator.get_state().numpy().tobytes()
