"""The evaluation that counts where a validation set chooses: its network is kept while the training goes on."""

import copy
import io
from typing import Any

import torch
from torch import nn

from benchmarks.data.task import Answers
from benchmarks.store.disk import write_atomically
from benchmarks.store.run import Run
from benchmarks.training.evaluation import evaluate

REPORT = "best_on_validation"  #: of protocol.report
NAME = "best.pt"  #: a file of an unfinished run


class Selection:
    """Grades networks, and keeps the one with the lowest validation error, of equals the earliest.

    It lies in the run's folder with the scores that it had, so that a run that was stopped still has it.
    """

    def __init__(self, run: Run, answers: Answers) -> None:
        self.run, self.answers = run, answers
        self.row: dict[str, Any] = {}  #: the scores of the network that is kept
        if not any(run.folder.glob("checkpoint*.pt")):  # what an earlier attempt kept is not of this training
            (run / NAME).unlink(missing_ok=True)
        elif (run / NAME).exists():
            self.row = self._load()["row"]

    def __call__(self, net: nn.Module) -> dict[str, Any]:
        """The network's scores. Raises UserError where the disk is full."""
        row = evaluate(net, self.answers)
        if not self.row or row["validation"] < self.row["validation"]:
            buffer = io.BytesIO()
            torch.save({"row": row, "net": net.state_dict()}, buffer)
            write_atomically(self.run / NAME, buffer.getbuffer())
            self.row = row
        return row

    def best(self, like: nn.Module) -> nn.Module:
        """The network that was kept: a copy of `like` with its weights."""
        net = copy.deepcopy(like)
        net.load_state_dict(self._load()["net"])
        return net

    def _load(self) -> dict[str, Any]:
        content: dict[str, Any] = torch.load(self.run / NAME, map_location="cpu", weights_only=True)
        return content
