"""Runs of several stages: what each was given, and what a run ended in."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.store.run import Run
from benchmarks.training.trainer import Trainer

CLOCKS = {"seconds", "cpu_seconds", "load"}


@dataclass
class Stage:
    before: dict[str, Any]  #: the net, as it was given
    task: Any
    share: float
    student: Any
    training: bool  #: whether the features were in training mode


def spied(monkeypatch: pytest.MonkeyPatch) -> list[Stage]:
    """The stages of all runs from now on."""
    stages: list[Stage] = []
    train = Trainer.train

    def spy(self: Trainer, method: Any, net: Any, **options: Any) -> Any:
        before, task = copy.deepcopy(net.state_dict()), options.get("task") or self.task
        student = train(self, method, net, **options)
        stages.append(Stage(before, task, options["share"], student, net.features.training))
        return student

    monkeypatch.setattr(Trainer, "train", spy)
    return stages


def ending(run: Run) -> tuple[str, bytes, list[dict[str, Any]]]:
    """The digest of all weights and buffers, the pseudo-labels, and the rows without their clocks."""
    rows = [{key: value for key, value in row.items() if key not in CLOCKS} for row in run.rows()]
    return json.loads((run / "result.json").read_text())["weights"], (run / "pseudo.csv.gz").read_bytes(), rows
