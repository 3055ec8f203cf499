"""Training steps that are recorded once, as CUDA graphs, and then replayed.

A recorded step does the same operations on the same memory each time. So a batch is copied into its place, the learning
rate lies on the device, and all else that Python decides must be as it was: that is the step's *phase*, which the
method tells (`Method.phase`) and the weight of the running average belongs to. A phase is recorded after a few eager
steps; one that does not return is never recorded.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves, tree_map

from benchmarks.errors import UserError
from benchmarks.graph import Recorder, Recording
from benchmarks.student import Student
from methods.base import Batch, Method, Step

WARM_UP = 3  #: eager steps before a phase is recorded: cuDNN chooses its algorithms, optimizers make their buffers
KEPT = 2  #: recordings at a time: Green Meta-T goes to and fro between two
SEEN = 8  #: phases remembered before they are recorded


class Recorded:
    """batch -> one step of `method` on `student`, as `student.take`, but replayed where its phase is recorded.

    What it returns is good until the next step. Checkpoints do not know of it: they hold what they always do.
    """

    def __init__(self, student: Student, method: Method, recorder: Recorder, *, warm_up: int = WARM_UP) -> None:
        self.student, self.method, self.recorder, self.warm_up = student, method, recorder, warm_up
        first = student.parameters[0]
        self.rate = torch.zeros((), dtype=first.dtype, device=first.device)
        own = [value for value in vars(method).values() if isinstance(value, Optimizer)]
        self.optimizers = [student.optimizer, *own]
        for optimizer in self.optimizers:
            _count_on_device(optimizer)
        self.seen: OrderedDict[Hashable, int] = OrderedDict()
        self.recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        self.batch: Batch | None = None

    def __call__(self, batch: Batch) -> Step:
        phase = self.student.weight, self.method.phase(self.student)
        with self.on_device():
            self.rate.fill_(self.student.lr)
            if self.often(phase) <= self.warm_up:
                return self.recorder.eager(lambda: self.student.take(self.method, batch))
            placed = self.place(batch)
            if phase not in self.recordings:
                self.record(phase, placed)
            self.recordings.move_to_end(phase)
            replay, step = self.recordings[phase]
            replay()
        self.student.step += 1
        return step

    def often(self, phase: Hashable) -> int:
        """How often it has come, this time included."""
        self.seen[phase] = times = self.seen.pop(phase, 0) + 1
        if len(self.seen) > SEEN:
            self.seen.popitem(last=False)
        return times

    def place(self, batch: Batch) -> Batch:
        """The batch, where recordings read it."""
        if self.batch is None:
            self.batch = tree_map(torch.clone, batch)
        for here, there in zip(tree_leaves(self.batch), tree_leaves(batch), strict=True):
            here.copy_(there)
        return self.batch

    def record(self, phase: Hashable, batch: Batch) -> None:
        while len(self.recordings) >= KEPT:  # the new one takes its memory
            self.recordings.popitem(last=False)
        count = self.student.step
        self.recordings[phase] = self.recorder.record(lambda: self.student.take(self.method, batch))
        self.student.step = count  # nothing has happened yet

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """Learning rate and optimizers as a recording needs them, and afterwards as they were."""
        with ExitStack() as stack:
            self.student.rate = self.rate
            stack.callback(setattr, self.student, "rate", None)
            for optimizer in self.optimizers:
                stack.enter_context(_fused(optimizer))
            yield


def _count_on_device(optimizer: Optimizer) -> None:
    """Adam's count of steps, which may come from an eager run's checkpoint."""
    for parameter, state in optimizer.state.items():
        if "step" in state:
            state["step"] = state["step"].to(parameter.device, torch.float32)


@contextmanager
def _fused(optimizer: Optimizer) -> Iterator[None]:
    """The optimizer's one kernel, which reads its numbers from the device."""
    switches = {"fused": True, "foreach": False, "capturable": True}
    before = [{key: group[key] for key in ("lr", *switches) if key in group} for group in optimizer.param_groups]
    if any("fused" not in found for found in before):
        raise UserError(f"{type(optimizer).__name__} cannot be recorded: choose SGD or Adam, or set SSL_GRAPH=0")
    for group, found in zip(optimizer.param_groups, before, strict=True):
        group.update({key: value for key, value in switches.items() if key in found})
    try:
        yield
    finally:
        for group, found in zip(optimizer.param_groups, before, strict=True):
            group.update(found)
