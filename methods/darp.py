"""Distribution-aligning refinery of pseudo-labels, DARP (Kim et al., NeurIPS 2020)."""

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from methods.base import Facts, Student
from methods.fixmatch import FixMatch
from methods.functional import latest, one_hot, product
from methods.options import Count, Decay, Natural, Positive, Share

EPS = 1e-6  #: the authors' code, common.py


class DARP(FixMatch):
    """FixMatch, whose predictions p [M, C] of all unlabelled inputs are refined to have M_k inputs of each class k:

    min_x sum_m w_m KL(x_m || p~_m)  s.t.  sum_k x_mk = 1,  sum_m x_mk = M_k,   w_m = 1 / H(p~_m)         (Eq. 1, 2)
    x_mk = exp(log p~_mk - nu_k H(p~_m)) / sum_k' of the same,   nu [C]: the dual's, by T rounds of coordinate ascent
    p~: p without its noisy entries: of column k the alpha M_k largest stay, scaled to sum to M_k         (Sec. 3.2)

    p_m is what input m was predicted as when it was seen last. Every `every` steps nu is renewed (in each round nu_k by
    `newton` steps on log sum_m x_mk = log M_k). After the share `warm_up`, x stands for p: threshold and class are its.
    M_k = M q_k: `counts`, if given; else q is the labels' distribution ("labels", as the authors where labelled and
    unlabelled tails are alike), or solves the confusion p' = K q ("confusion", Sec. 3.3): p' [C] mean prediction, K_kl
    mean p_k of labelled inputs of class l, by steps that keep q a distribution (Richardson-Lucy).

    Deviations: between two renewals x is of the present p, where the authors' code (bbuing9/DARP) keeps the old x; one
    strong view, not two; K is of the labelled inputs in training (running mean, `momentum`), where theirs is of a
    separate classifier on 10 inputs a class that it has not seen.
    """

    p: Tensor
    q: Tensor
    confusion: Tensor
    cut: Tensor
    scale: Tensor
    nu: Tensor
    refining: Tensor

    def __init__(
        self, *, distribution: Literal["labels", "confusion"], counts: Sequence[Natural] | None, momentum: Decay,
        alpha: Positive, warm_up: Share, every: Count, T: Count, newton: Count, **fixmatch: Any,
    ) -> None:  # fmt: skip
        super().__init__(**fixmatch)
        self.estimated, self.counts = distribution == "confusion" and counts is None, counts
        self.momentum, self.alpha, self.warm_up = momentum, alpha, warm_up
        self.every, self.T, self.newton = every, T, newton

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        n_classes, q = facts.n_classes, facts.class_counts.float()
        if self.counts is not None:
            if len(self.counts) != n_classes:
                raise ValueError(f"{len(self.counts)} counts for {n_classes} classes")
            q = q.new_tensor(self.counts)
        self.register_buffer("q", q / q.sum())
        self.register_buffer("p", torch.full((facts.n_unlabelled, n_classes), 1 / n_classes))
        self.register_buffer("confusion", torch.eye(n_classes))
        self.register_buffer("cut", torch.zeros(n_classes))
        self.register_buffer("scale", torch.ones(n_classes))
        self.register_buffer("nu", torch.zeros(n_classes))
        self.register_buffer("refining", torch.zeros(()))
        return net

    def phase(self, step: int) -> Hashable:
        return step % self.every == 0

    def supervise(self, logits: Tensor, y: Tensor) -> Tensor:
        if self.estimated:
            p = logits.detach().float().softmax(-1)
            self.confusion.mul_(self.momentum).add_(product(p.T, one_hot(y, p.shape[1])))
        return super().supervise(logits, y)

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        self.p[j] = p[latest(j)]
        if student.step % self.every == 0:
            self.renew()
        self.refining.copy_(self.refining.new_ones(()) * student.now(lambda t: float(t >= self.warm_up)))
        return {}

    def refine(self, p: Tensor, j: Tensor) -> Tensor:
        return torch.where(self.refining > 0, self.nearest(p), p)

    def nearest(self, p: Tensor) -> Tensor:
        """x [B, C] of predictions p [B, C]."""
        p = self.cleaned(p)
        return (p.log() - self.nu * entropy(p)).softmax(-1)

    def cleaned(self, p: Tensor) -> Tensor:
        """p~ [B, C]."""
        p = p * (p >= self.cut) * self.scale + EPS
        return p / p.sum(-1, keepdim=True)

    def renew(self) -> None:
        """q, what is noise, and nu, of all predictions."""
        if self.estimated:
            self.q.copy_(unmixed(self.q, self.confusion, self.p.mean(0)))
        m = self.q * len(self.p)
        kept = (self.alpha * m).long().clamp(max=len(self.p))
        smallest = self.p.sort(0, descending=True).values.gather(0, (kept - 1).clamp(min=0)[None])[0]
        self.cut.copy_(torch.where(kept > 0, smallest, torch.inf))
        self.scale.copy_((m + EPS) / ((self.p * (self.p >= self.cut)).sum(0) + EPS))
        p = self.cleaned(self.p)
        self.nu.copy_(dual(p.log(), entropy(p), m.log(), self.T, self.newton))


def entropy(p: Tensor) -> Tensor:
    """H(p) of distributions [B, C], as a column [B, 1]."""
    return torch.special.entr(p).sum(-1, keepdim=True)


def dual(log_p: Tensor, h: Tensor, log_m: Tensor, rounds: int, newton: int) -> Tensor:
    """nu [C], from 0: rows [M, C] are made to sum to 1, then columns to M_k, so many times."""
    nu = torch.zeros_like(log_m)
    for _ in range(rounds):
        rows = (log_p - nu * h).logsumexp(-1, keepdim=True)
        for _ in range(newton):  # log sum_m is convex in nu_k and falls by the mean of H: it cannot be overshot far
            log_x = log_p - rows - nu * h
            nu = nu + (log_x.logsumexp(0) - log_m) / (log_x.softmax(0) * h).sum(0)
    return nu


def unmixed(q: Tensor, confusion: Tensor, mean: Tensor) -> Tensor:
    """q [C] with K q = mean, K [C, C] the confusion with columns that sum to 1; a few steps from an earlier q."""
    K = confusion / confusion.sum(0)
    for _ in range(10):
        q = q * product(mean / product(K, q).clamp(min=EPS), K)
    return q / q.sum()
