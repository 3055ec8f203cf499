"""Class-rebalancing self-training, CReST and CReST+ (Wei et al., CVPR 2021)."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from methods.alignment import WindowAlignment
from methods.base import Facts, Trainer
from methods.fixmatch import FixMatch
from methods.options import Count, NonNegative, Share


class CReST(FixMatch):
    """FixMatch in generations, each a new net; to the labels come pseudo-labels of the net before, rare classes first:

    of the unlabelled inputs predicted as class l the share mu_l with the highest max p is labelled l       (Sec. 3.2)
    mu_l = (N_{L+1-l} / N_1)^alpha, N_1 >= ... >= N_L: labelled inputs per class; so mu_L = 1 for the rarest

    A generation begins from the labels proper, and pseudo-labels are chosen anew. Predictions are the running average's
    on plain views. As in the authors' code (google-research/crest) the strong views learn p itself, not its argmax, and
    labelled inputs, though among the unlabelled ones, get no pseudo-label. Generations share the steps equally.
    Deviations: all nets start from the same weights; max p > tau as in FixMatch here.
    """

    def __init__(self, *, generations: Count, alpha: NonNegative, **fixmatch: Any) -> None:
        super().__init__(**fixmatch)
        self.generations, self.alpha = generations, alpha

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        return refined

    def rates(self, counts: Tensor) -> list[float]:
        """mu of each class, of labelled inputs per class [C]."""
        n: list[int] = counts.tolist()
        order = sorted(range(len(n)), key=lambda c: -n[c])
        mirrored = dict(zip(order, reversed(order), strict=True))
        return [(n[mirrored[c]] / n[order[0]]) ** self.alpha for c in range(len(n))]

    def choose(self, p: Tensor, free: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Which unlabelled inputs j [K] are labelled, and as what y [K]; p [M, C], and which may be, free [M]."""
        confidence, label = p.max(-1)
        chosen = []
        for c, rate in enumerate(self.rates(counts)):
            j = torch.nonzero(free & (label == c)).flatten()
            surest = confidence[j].argsort(descending=True, stable=True)
            chosen.append(j[surest[: int(len(j) * rate)]])
        j = torch.cat(chosen)
        return j, label[j]

    def begin(self, progress: float, facts: Facts, net: nn.Module) -> None:
        """A generation; progress: which, 0 for the first and 1 for the last."""

    def fit(self, trainer: Trainer, net: nn.Module) -> Any:
        new, task, student = copy.deepcopy(net), trainer.task, None
        for g in range(self.generations):
            if student is not None:
                p = trainer.predict(student)
                task = trainer.task.with_labels(*self.choose(p, trainer.task.free, trainer.task.facts.class_counts))
            net = copy.deepcopy(new)
            self.begin(g / max(1, self.generations - 1), trainer.task.facts, net)
            student = trainer.train(self, net, task=task, share=1 / self.generations)
        return student


class CReSTPlus(CReST):
    """CReST+: p is aligned, too:  q_m = Normalize(p_m p(y)^t / p~)                                           (Eq. 3)

    p(y) [C]: the labels' distribution;  p~ [C]: the mean of p over the last `window` steps, uniform at first
    t = (1 - g) + g t_min, g from 0 in the first generation to 1 in the last: ever more even pseudo-labels

    Deviation: p~ has taken in the present step, where the authors' code takes it in afterwards.
    """

    def __init__(self, *, t_min: Share, window: Count, **crest: Any) -> None:
        super().__init__(**crest)
        self.t_min, self.window = t_min, window

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.begin(0.0, facts, net)
        return net

    def begin(self, progress: float, facts: Facts, net: nn.Module) -> None:
        t = 1 - progress + progress * self.t_min
        target = facts.class_counts.float() ** t
        self.align = WindowAlignment(facts.n_classes, self.window, 1 / facts.n_classes, target)

    def observe(self, student: Any, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        self.align.observe(p)
        return {}

    def refine(self, p: Tensor, j: Tensor) -> Tensor:
        q: Tensor = self.align(p)
        return q
