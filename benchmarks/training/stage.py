"""One stage of `Method.fit`: its parts, and their checkpoint."""

from dataclasses import dataclass

import torch

from benchmarks.data.loader import Loader
from benchmarks.errors import UserError
from benchmarks.machine.device import rng_state, set_rng_state
from benchmarks.store import checkpoint
from benchmarks.store.run import Run
from benchmarks.training.meter import Meter
from benchmarks.training.pace import Stopwatch
from benchmarks.training.student import Student
from methods.base import Method

PARTS = ("student", "method", "loader", "meter")


@dataclass
class Stage:
    number: int
    before: int  #: steps of the stages before
    student: Student
    method: Method
    loader: Loader
    meter: Meter

    @property
    def step(self) -> int:
        """Steps done, of all stages."""
        return self.before + self.student.step

    @property
    def over(self) -> bool:
        return self.student.step == self.student.steps

    @property
    def device(self) -> torch.device:
        return self.loader.task.unlabelled.device

    def check(self, run: Run) -> None:
        """Raises UserError where a loss was not finite; the last good checkpoint stays."""
        bad = int(self.meter.bad_step)
        if bad < 0:
            return
        last = checkpoint.load(run, self.number)
        at = last and self.before + last["parts"]["student"]["step"]
        kept = f"the last good checkpoint is step {at}" if last else "no checkpoint yet"
        raise UserError(f"run {run.id}: loss not finite at step {bad} ({kept}): lower protocol.optimizer.lr")

    def save(self, run: Run, watch: Stopwatch) -> None:
        """Everything. A finished stage keeps its last checkpoint, to be loaded and not run again."""
        state = {
            "parts": {name: getattr(self, name).state_dict() for name in PARTS},
            "watch": watch.state_dict(),
            "rows": run.sync(),
            "rng": rng_state(self.device),
        }
        checkpoint.save(run, state, self.number)

    def resume(self, run: Run, watch: Stopwatch) -> None:
        """Go on from the checkpoint, where there is one."""
        state = checkpoint.load(run, self.number)
        if state is None:
            run.cut(self.before)
            return
        for name in PARTS:
            getattr(self, name).load_state_dict(state["parts"][name])
        set_rng_state(state["rng"], self.device)
        if not (run / checkpoint.name(self.number + 1)).exists():  # else later rows are that stage's to cut
            run.cut(self.step, state["rows"])
        watch.load_state_dict(state["watch"])
