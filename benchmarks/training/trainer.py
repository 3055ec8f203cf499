"""The training loop; it knows no method by name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.data.loader import Loader, derive
from benchmarks.data.task import Task
from benchmarks.errors import Stopped
from benchmarks.store.run import Run
from benchmarks.training.cuda_graphs import Recorder
from benchmarks.training.evaluation import predict
from benchmarks.training.meter import Meter
from benchmarks.training.pace import Pace, Stopwatch
from benchmarks.training.replay import Replay
from benchmarks.training.stage import Stage
from benchmarks.training.student import Student
from methods.base import Batch, Method, Schedule


class Trainer:
    """Trains a student for a method, has it graded, and survives being stopped: what `Method.fit` gets.

    It holds no answers. hidden: j [B] -> the classes of unlabelled inputs, for the log alone; grade: a network -> its
    scores. make_student: (net, steps, schedule or None) -> Student. steps: of all stages together.

    checkpoint_every: seconds between two checkpoints (`pace.Pace`), besides those that are written when `stop` says
    that the machine is about to take the run away (then it raises Stopped after saving); progress: told of every step
    and its loss; recorder: what replays steps.
    """

    def __init__(
        self,
        run: Run,
        task: Task,
        *,
        steps: int,
        make_student: Callable[[nn.Module, int, Schedule | None], Student],
        hidden: Callable[[Tensor], Tensor],
        grade: Callable[[nn.Module], dict[str, Any]],
        batch: int,
        ratio: int,
        eval_every: int,
        seed: int,
        checkpoint_every: float = 300.0,
        report: Callable[[dict[str, Any]], None] = lambda row: None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int, Tensor], None] = lambda step, loss: None,
        recorder: Recorder | None = None,
    ) -> None:
        self.run, self.task, self.steps = run, task, steps
        self.make_student, self.hidden, self.grade = make_student, hidden, grade
        self.batch, self.ratio, self.eval_every, self.seed = batch, ratio, eval_every, seed
        self.report, self.stop, self.progress, self.recorder = report, stop, progress, recorder
        self.watch, self.pace = Stopwatch(), Pace(checkpoint_every)
        self.number, self.before, self.share = 0, 0, 0.0  #: of the stages that are finished; share: begun ones too

    def train(
        self, method: Method, net: nn.Module, *, task: Task | None = None, share: float = 1.0,
        schedule: Schedule | None = None,
    ) -> Student:  # fmt: skip
        """See `methods.base.Trainer`."""
        self.share += share
        steps = round(self.steps * self.share) - self.before
        if not 0 < steps <= self.steps - self.before:
            raise ValueError(f"stage {self.number + 1} asks for {share} of the steps, and the shares are to sum to 1")
        stage = self.begin(method, net, task or self.task, steps, schedule)
        student = stage.student
        take = Replay(student, method, self.recorder) if self.recorder else partial(student.take, method)
        self.watch.start()
        while not stage.over:
            batch = stage.loader.next()
            step = take(batch)
            stage.meter.add(stage.step - 1, step, self.hidden(batch.j))
            self.progress(stage.step, step.loss.detach())
            evaluate = stage.over or stage.step % self.eval_every == 0
            if (stop := self.stop()) or evaluate or self.pace.due(evaluate):
                self.look_after(stage, evaluate, stop or stage.over)
                if stop:
                    raise Stopped(f"stopped at step {stage.step} with a checkpoint")
        self.watch.stop()
        with self.aside(stage) as batches:
            student.graded = method.graded(student, batches)
        self.number, self.before = self.number + 1, stage.step
        return student

    def begin(self, method: Method, net: nn.Module, task: Task, steps: int, schedule: Schedule | None) -> Stage:
        """A stage as new, or where its checkpoint left it."""
        device = task.unlabelled.device
        student = self.make_student(net.to(device), steps, schedule)
        seed = derive(self.seed, self.number) if self.number else self.seed
        loader, meter = self.loader(method, task, seed), Meter(task.n_classes, device)
        stage = Stage(self.number, self.before, student, method.to(device), loader, meter)
        stage.resume(self.run, self.watch)
        return stage

    def finish(self) -> None:
        """Raises ValueError where `fit` has not used up its steps."""
        if self.before != self.steps:
            raise ValueError(f"the stages of fit took {self.before} of {self.steps} steps: shares are to sum to 1")

    def predict(self, student: Student) -> Tensor:
        """See `methods.base.Trainer`."""
        return predict(student.graded, self.task.unlabelled)

    def loader(self, method: Method, task: Task, seed: int) -> Loader:
        sizes = {"batch": self.batch, "ratio": self.ratio, "seed": seed}
        return Loader(task, method.views, **sizes, labelled_view=method.labelled_view)

    def look_after(self, stage: Stage, evaluate: bool, save: bool) -> None:
        """Between two steps, while the watch stands still: is all well, how good is it, keep it."""
        if stage.device.type == "cuda":
            torch.cuda.synchronize(stage.device)
        self.watch.stop()
        stage.check(self.run)
        if evaluate:
            self.log(stage)
        if save or self.pace.due(evaluate):
            with self.pace.saving():
                stage.save(self.run, self.watch)
        self.watch.start()

    def log(self, stage: Stage) -> None:
        """One row of metrics.jsonl."""
        method, student = stage.method, stage.student
        row = {
            "step": stage.step,
            "stage": stage.number + 1,
            **self.watch.read(),
            "lr": student.lr,
        } | stage.meter.flush()
        with self.aside(stage) as batches:
            if type(method).probe is not Method.probe:
                row |= {name: float(value) for name, value in method.probe(student.before(), batches).items()}
            row |= self.grade(method.graded(student, batches))
        self.run.append(row)
        self.report(row)

    @contextmanager
    def aside(self, stage: Stage) -> Iterator[Iterator[Batch]]:
        """Fresh batches, and random numbers that training does not see."""
        seed = derive(self.seed, self.number, stage.step)
        with torch.random.fork_rng(devices=[stage.device] if stage.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield iter(self.loader(stage.method, stage.loader.task, seed).next, None)
