"""A CUDA graph's stand-in on a CPU: the operators of a step are written down, and replayed on the same tensors.

As there, Python does not run again, what was not copied to its place is not seen, and recording changes nothing. And
what would make the host wait for the device (reading a number, asking how many, copying from the host) is refused.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.training.cuda_graphs import Recording, Take
from methods.base import Step

aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense, aten.equal, aten.is_nonzero, aten.nonzero, aten.masked_select, aten.bincount,
    aten._unique2, aten.unique_consecutive, aten.unique_dim, aten.lift_fresh, aten.repeat_interleave,
}  # fmt: skip


class Transcript(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.ops: list[tuple[Any, Any, Any, Any]] = []
        self.before: dict[int, tuple[Tensor, Tensor]] = {}  # storages that the step found there, as it found them
        self.made: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket in WAITS:
            raise AssertionError(f"{func} waits for the device")
        for tensor in tensors((args, kwargs)):
            if (place := where(tensor)) not in self.made and place not in self.before:
                whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
                self.before[place] = whole, whole.clone()
        out = func(*args, **kwargs)
        self.made |= {where(tensor) for tensor in tensors(out)} - set(self.before)
        self.ops.append((func, args, kwargs, out))
        return out

    @torch.no_grad()
    def forget(self) -> None:
        """As if the step had not been taken."""
        for tensor, value in self.before.values():
            tensor.copy_(value)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self.ops:
            if func.is_view:  # of a tensor whose place it shares
                continue
            for old, new in zip(tensors(out), tensors(func(*args, **kwargs)), strict=True):
                if where(old) != where(new) and not old._is_zerotensor():
                    old.copy_(new)


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def where(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


class Transcripts:
    """The recorder."""

    def __init__(self) -> None:
        self.eager_steps, self.recordings = 0, 0

    def eager(self, take: Take) -> Step:
        self.eager_steps += 1
        return take()

    def record(self, take: Take) -> Recording:
        self.recordings += 1
        random = torch.get_rng_state()
        with Transcript() as transcript:
            step = take()
        transcript.forget()
        torch.set_rng_state(random)
        replay: Callable[[], object] = transcript.replay
        return replay, step
