"""The training loop; it knows no method by name."""

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks import checkpoint
from benchmarks.errors import Stopped, UserError, blame
from benchmarks.evaluate import evaluate
from benchmarks.graph import Recorder
from benchmarks.loader import Loader
from benchmarks.meter import Meter
from benchmarks.recorded import Recorded
from benchmarks.store import Run
from benchmarks.student import Student
from benchmarks.task import Answers, Task
from methods.base import Method


class Trainer:
    """Trains one student for one method on one task, evaluates its average, and survives being stopped.

    make_student: net -> Student; checkpoint_every: seconds between two checkpoints (more where saving would take over
    2 % of the time; 0: after every evaluation), written at evaluations' steps or when `stop` says that the machine is
    about to take the run away (then it raises Stopped after saving); recorder: what replays steps, if anything.
    """

    def __init__(
        self,
        run: Run,
        task: Task,
        answers: Answers,
        *,
        make_student: Callable[[nn.Module], Student],
        batch: int,
        ratio: int,
        eval_every: int,
        seed: int,
        checkpoint_every: float = 300.0,
        report: Callable[[dict[str, Any]], None] = lambda row: None,
        stop: Callable[[], bool] = lambda: False,
        recorder: Recorder | None = None,
    ) -> None:
        self.run, self.task, self.answers = run, task, answers
        self.make_student = make_student
        self.batch, self.ratio, self.eval_every, self.seed = batch, ratio, eval_every, seed
        self.checkpoint_every, self.report, self.stop = checkpoint_every, report, stop
        self.recorder = recorder
        self.seconds = 0.0  #: of training alone
        self.stage, self.before = 0, 0  #: stages of `Method.fit` that are finished, and their steps

    def train(self, method: Method, net: nn.Module) -> Student:
        device = self.task.unlabelled.device
        # what torch says of a number that cannot be: lr=-1, hidden=[-1]; anything else is a bug, with its traceback
        with blame(f"cannot set up {type(method).__name__}", (ValueError, RuntimeError)):
            net = method.setup(self.task.facts, net).to(device)
        student = self.make_student(net)
        method.to(device)
        loader = Loader(self.task, method.views, batch=self.batch, ratio=self.ratio, seed=self.seed)
        meter = Meter(self.task.n_classes, device)
        parts = {"student": student, "method": method, "loader": loader, "meter": meter}
        self.resume(parts)
        take = Recorded(student, method, self.recorder) if self.recorder else partial(student.take, method)
        saved, pause = time.monotonic(), self.checkpoint_every

        start = time.perf_counter()
        while student.step < student.steps:
            batch = loader.next()
            step = take(batch)
            meter.add(student.step - 1, step, self.answers.hidden[batch.j])
            last = student.step == student.steps
            due = last or student.step % self.eval_every == 0
            stop = self.stop()
            if due or stop:
                _wait(device)
                self.seconds += time.perf_counter() - start
                self.check(meter)
                if due:
                    self.log(method, student, meter)
                if stop or last or (due and time.monotonic() - saved > pause):
                    began = time.monotonic()
                    self.save(parts)
                    saved = time.monotonic()
                    pause = max(self.checkpoint_every, 50 * (saved - began)) if self.checkpoint_every else 0.0
                if stop:
                    raise Stopped(f"stopped at step {self.before + student.step} with a checkpoint")
                start = time.perf_counter()
        self.stage, self.before = self.stage + 1, self.before + student.steps
        return student

    def log(self, method: Method, student: Student, meter: Meter) -> None:
        row = {"step": self.before + student.step, "seconds": round(self.seconds, 4), "lr": student.lr} | meter.flush()
        row |= self.probe(method, student)
        row |= evaluate(student.average, self.task, self.answers)
        self.run.append(row)
        self.report(row)

    def probe(self, method: Method, student: Student) -> dict[str, float]:
        """What a method measures besides: on a copy of the student, with batches and random numbers of its own."""
        if type(method).probe is Method.probe:
            return {}
        seed = hash((self.seed, student.step)) % 2**63  # of integers: the same in every process
        cuda = self.task.unlabelled.is_cuda
        with torch.random.fork_rng(devices=[self.task.unlabelled.device] if cuda else []):
            torch.manual_seed(seed)
            fresh = Loader(self.task, method.views, batch=self.batch, ratio=self.ratio, seed=seed)
            batches = iter(fresh.next, None)
            return {name: float(value) for name, value in method.probe(copy.deepcopy(student), batches).items()}

    def check(self, meter: Meter) -> None:
        """Raises UserError where a loss was not finite; the last good checkpoint stays."""
        bad = int(meter.bad_step)
        if bad < 0:
            return
        last = checkpoint.load(self.run, self.stage)
        kept = f"the last good checkpoint is step {last['parts']['student']['step']}" if last else "no checkpoint yet"
        raise UserError(f"run {self.run.id}: loss not finite at step {bad} ({kept}): lower protocol.optimizer.lr")

    def save(self, parts: dict[str, Any]) -> None:
        """Everything: a finished stage of `Method.fit` keeps its last checkpoint, to be loaded and not run again."""
        state = {
            "parts": {name: part.state_dict() for name, part in parts.items()},
            "seconds": self.seconds,
            "rows": self.run.sync(),
            "rng": checkpoint.rng_state(self.task.unlabelled.device),
        }
        checkpoint.save(self.run, state, self.stage)

    def resume(self, parts: dict[str, Any]) -> None:
        state = checkpoint.load(self.run, self.stage)
        if state is None:
            self.run.cut(self.before)
            return
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        self.seconds = state["seconds"]
        checkpoint.set_rng_state(state["rng"], self.task.unlabelled.device)
        if not (self.run / checkpoint.name(self.stage + 1)).exists():  # else later rows are that stage's to cut
            self.run.cut(self.before + parts["student"].step, state["rows"])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
