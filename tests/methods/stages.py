"""Runs of several stages: what each was given."""

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.training.trainer import Trainer


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
