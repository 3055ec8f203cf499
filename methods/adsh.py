"""Adaptive thresholding, Adsh (Guo & Li, ICML 2022)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Facts, Pseudo, Student
from methods.functional import latest
from methods.options import PositiveShare, Share
from methods.thresholding import Thresholding

ROUNDING = 1e-9  #: shares that are a little below a round one count as that


class Adsh(Thresholding):
    """y_hat_m = argmax_c p_mc / s_c, selected where max_c p_mc / s_c >= 1: a threshold s_c for each class, s_1 = tau

    C_c: max p of the unlabelled inputs predicted as c, sorted from high to low;  rho = |{C_1 >= tau}| / |C_1|
    s_c = min(tau, C_c at position max(0, round(rho |C_c| - 1))), c > 1: the share of c that passes is class 1's

    Class 1 is the one with the most labels. Thresholds are tau for two periods and then renewed once a period, by the
    official rule (guolz-ml/Class-Imbalanced-SSL): s_c stays as it was while nothing is predicted as c, and rho = 1
    where no input passes tau. Deviation: C_c is of each input's latest prediction in training, where that code passes
    once over all of them in evaluation mode.
    """

    score: Tensor
    first: Tensor
    confidence: Tensor
    label: Tensor
    renewed: Tensor

    def __init__(self, *, tau: Share, period: PositiveShare, **thresholding: Any) -> None:
        super().__init__(**thresholding)
        self.tau, self.period = tau, period

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.register_buffer("score", torch.full((facts.n_classes,), self.tau))
        classes = torch.arange(facts.n_classes, device=facts.class_counts.device)
        self.register_buffer("first", classes == facts.class_counts.argmax())
        self.register_buffer("confidence", torch.zeros(facts.n_unlabelled))
        self.register_buffer("label", torch.full((facts.n_unlabelled,), facts.n_classes))  # class C: not seen yet
        self.register_buffer("renewed", torch.ones(()))  # periods
        return net

    def rule(self) -> Tensor:
        """s [C] of the latest predictions."""
        n_classes, ones = len(self.score), torch.ones_like(self.confidence)
        sizes, passing = (
            ones.new_zeros(n_classes + 1).index_add(0, self.label, each)[:-1]
            for each in (ones, (self.confidence >= self.tau).float())
        )
        n, n_passing = ((self.first * of).sum() for of in (sizes, passing))
        rho = torch.where(n_passing > 0, n_passing / n.clamp(min=1), 1.0)
        order = self.confidence.argsort(descending=True)
        order = order[self.label[order].argsort(stable=True)]  # class by class, each from high to low
        at = sizes.cumsum(0) - sizes + (sizes * rho - 1).round().clamp(min=0)
        found = self.confidence[order[at.long().clamp(max=len(order) - 1)]].clamp(max=self.tau)
        return torch.where((sizes == 0) | self.first, self.score, found)

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        begun = student.now(lambda t: float(math.floor(t / self.period + ROUNDING)))
        self.score.copy_(torch.where(self.renewed < begun, self.rule(), self.score))
        self.renewed.copy_(self.renewed.clamp(min=begun))
        confidence, label = p[latest(j)].max(-1)
        self.confidence[j], self.label[j] = confidence, label
        return {"score": self.score.mean()}

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        return (p / self.score).argmax(-1)

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return self.score[self.target(p, p)]

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        return (confidence >= tau).float()

    def selection(self, p: Tensor, target: Tensor, j: Tensor) -> Pseudo:
        confidence, tau = p.gather(1, target[:, None])[:, 0], self.score[target]
        return Pseudo(target, confidence, tau, confidence >= tau)
