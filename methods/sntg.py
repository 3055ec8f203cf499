"""SNTG: Smooth Neighbors on Teacher Graphs (Luo et al., CVPR 2018)."""

from typing import Any

import torch
from torch import Tensor

from methods.base import Batch, Student
from methods.consistency import Outputs
from methods.options import NonNegative, Positive
from methods.temporal_ensembling import TemporalEnsembling


class SNTG(TemporalEnsembling):
    """R = R_temporal_ensembling + k 1/P sum_ij l(h_i, h_j),   P pairs (i, j) of the batch

    l = d_ij^2 where W_ij = 1, and max(margin - d_ij, 0)^2 where W_ij = 0;   d_ij^2 = 1/D ||h_i - h_j||^2

    h [B + mu B, D]: features; W_ij = 1 where both inputs are of one class: the true one of labelled inputs, argmax z~
    of the others. As in the authors' code (xinmei9322/SNTG) a pair is an input of the first half of the batch
    with one of the second, and distances are means over dimensions; the tables' SNTG has temporal ensembling below it.

    Deviation: inputs that have no z~ yet are in no pair; there the whole term waits for the second epoch.
    """

    def __init__(self, *, k: NonNegative, margin: Positive, **temporal_ensembling: Any) -> None:
        super().__init__(**temporal_ensembling)
        self.k, self.margin = k, margin

    def outputs(self, student: Student, batch: Batch) -> Outputs:
        h = student.net.features(torch.cat([batch.x, batch.u[0]]))
        logits = student.net.classifier(h).float()
        x, u = logits[: len(batch.x)], logits[len(batch.x) :]
        target, seen = self.target(batch.j)
        labels = torch.cat([batch.y, target.argmax(-1)])
        smooth = self.smoothness(h.float(), labels, torch.cat([torch.ones_like(x[:, 0]), seen]))
        return Outputs(x, u, self.inconsistency(u.softmax(-1), batch.j) + self.k * smooth)

    def smoothness(self, h: Tensor, label: Tensor, known: Tensor) -> Tensor:
        """The mean of l over pairs of features [N, D] with labels [N]; known [N]: whether a label is one."""
        first, second = slice(len(h) // 2), slice(len(h) // 2, len(h) // 2 * 2)
        square = ((h[first] - h[second]) ** 2).mean(-1)
        apart = (self.margin - square.clamp(min=1e-12).sqrt()).clamp(min=0) ** 2  # of equal features: no gradient
        pairs = torch.where(label[first] == label[second], square, apart)
        return (known[first] * known[second] * pairs).mean()
