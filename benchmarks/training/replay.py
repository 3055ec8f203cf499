"""Training steps that are recorded once, as CUDA graphs, and then replayed.

A replayed step does the same operations on the same memory as the recorded one. So a batch is copied into its place,
and the numbers that Python reckons (`Student.now`) lie on the device. What else Python decides must be as it was: the
weight of the running average, and what the method does in turn (`Method.phase`) are the step's *phase*. A phase is
recorded after a few eager steps; one that does not return is never recorded. What a recording would get wrong is
refused in one line: a method that asks for `student.step` without a phase, or that counts in Python.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves, tree_map

from benchmarks.errors import UserError
from benchmarks.training.cuda_graphs import Recorder, Recording
from benchmarks.training.scalars import Scalars
from benchmarks.training.student import Student
from methods.base import Batch, Method, Step

WARM_UP = 3  #: eager steps before a phase is recorded: cuDNN chooses its algorithms, optimizers make their buffers
KEPT = 2  #: recordings at a time: Green Meta-T goes to and fro between two
SEEN = 8  #: phases remembered before they are recorded


class Replay:
    """batch -> one step of `method` on `student`, as `student.take`, but replayed where its phase is recorded.

    What it returns is good until the next step. Checkpoints do not know of it: they hold what they always do.
    """

    def __init__(self, student: Student, method: Method, recorder: Recorder, *, warm_up: int = WARM_UP) -> None:
        self.student, self.method, self.recorder, self.warm_up = student, method, recorder, warm_up
        self.scalars = Scalars(student.parameters[0].new_zeros(()))
        self.optimizers = [student.optimizer, *optimizers(method)]
        for optimizer in self.optimizers:
            _count_on_device(optimizer)
        self.seen: OrderedDict[Hashable, int] = OrderedDict()
        self.recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        self.batch: Batch | None = None

    def __call__(self, batch: Batch) -> Step:
        phase = self.student.weight, self.method.phase(self.student.count)
        with self.on_device():
            self.scalars.begin(phase, self.student.progress)
            if self.often(phase) <= self.warm_up:
                return self.recorder.eager(lambda: self.student.take(self.method, batch))
            placed = self.place(batch)
            if phase not in self.recordings:
                self.record(phase, placed)
            self.recordings.move_to_end(phase)
            replay, step = self.recordings[phase]
            replay()
        self.student.count += 1
        return step

    def often(self, phase: Hashable) -> int:
        """How often it has come, this time included."""
        self.seen[phase] = times = self.seen.pop(phase, 0) + 1
        if len(self.seen) > SEEN:
            forgotten, _ = self.seen.popitem(last=False)
            self.scalars.known.pop(forgotten, None)
            self.recordings.pop(forgotten, None)
        return times

    def place(self, batch: Batch) -> Batch:
        """The batch, where recordings read it."""
        if self.batch is None:
            self.batch = tree_map(lambda tensor: tensor.clone(), batch)
        for here, there in zip(tree_leaves(self.batch), tree_leaves(batch), strict=True):
            here.copy_(there)
        return self.batch

    def record(self, phase: Hashable, batch: Batch) -> None:
        """Raises UserError where a replay would not do what the step does."""
        while len(self.recordings) >= KEPT:  # the new one takes its memory
            self.recordings.popitem(last=False)
        count, counters, self.student.asked = self.student.count, plain_numbers(self.method), False
        recording = self.recorder.record(lambda: self.student.take(self.method, batch))
        self.student.count = count  # nothing has happened yet
        name, fault = type(self.method).__name__, ""
        if self.student.asked and type(self.method).phase is Method.phase:
            fault = f"{name} asks for student.step: say in {name}.phase what it decides by it"
        elif plain_numbers(self.method) != counters:
            fault = f"{name} counts in Python: keep its counters in buffers (register_buffer)"
        elif not self.scalars.complete():
            fault = f"{name} asks for other numbers (student.now) in steps of one phase"
        if fault:
            raise UserError(f"cannot record a step: {fault}, or set SSL_GRAPH=0")
        self.recordings[phase] = recording

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """The student's numbers and the optimizers as a recording needs them, and afterwards as they were."""
        with ExitStack() as stack:
            self.student.numbers = self.scalars
            stack.callback(setattr, self.student, "numbers", None)
            for optimizer in self.optimizers:
                stack.enter_context(_fused(optimizer))
            yield


def optimizers(method: nn.Module) -> list[Optimizer]:
    """Those that a method has, and the methods within it."""
    return [value for part in method.modules() for value in vars(part).values() if isinstance(value, Optimizer)]


def plain_numbers(method: nn.Module) -> list[Any]:
    """What a method and the modules in it keep as numbers of Python's own."""
    kinds = (bool, int, float, str, tuple, type(None))
    return [
        (name, value)
        for part in method.modules()
        for name, value in sorted(vars(part).items())
        if isinstance(value, kinds) and not name.startswith("_")
    ]


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
