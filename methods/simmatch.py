"""SimMatch (Zheng et al., CVPR 2022)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.alignment import WindowAlignment
from methods.base import Batch, Facts, Method, Pseudo, Step, Student
from methods.functional import cross_entropy, latest, one_hot, product
from methods.heads import WithHeads, embed, projection
from methods.options import Count, Decay, NonNegative, Positive, Share
from methods.thresholding import above


class SimMatch(Method):
    """L = L_s + lambda_u 1/(mu B) sum_m 1(max p^_m > tau) H(p^_m, f(s_m)) + lambda_in 1/(mu B) sum_m H(q^_m, q(s_m))

    q(u) = softmax(z(u) . z_i / t) over the bank's i [N]: similarity with each labelled input, semantics set aside
    q^_mi = q_i(u_m) p_m[y_i], normalised over i                                                        (unfolding)
    p^_mc = alpha p_mc + (1 - alpha) sum_(i: y_i = c) q_i(u_m)                                          (aggregation)

    p [mu B, C]: aligned predictions of the weak views u; s: strong views; z [., d]: projected features of length 1.
    The bank has one entry for each labelled input, z_i <- Normalize(momentum z_i + (1 - momentum) z(x_i)), after use;
    random at first, so it teaches after the share `warm_up` alone (the code: after an epoch). All rows share one pass.

    As the authors' CIFAR code (in USB), without a teacher network. Deviations: that code normalises a bank's update
    over inputs instead of over d; max p^ > tau where it has >=; the head's rectifier leaks, as CoMatch's.
    """

    views = ("weak", "strong")
    bank: Tensor
    labels: Tensor

    def __init__(
        self, *, tau: Share, alpha: Share, t: Positive, dim: Count, momentum: Decay, warm_up: Share, window: Count,
        lambda_u: NonNegative, lambda_in: NonNegative,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tau, self.alpha, self.t, self.dim = tau, alpha, t, dim
        self.momentum, self.warm_up, self.window = momentum, warm_up, window
        self.lambda_u, self.lambda_in = lambda_u, lambda_in

    def setup(self, facts: Facts, net: Any) -> nn.Module:
        self.align = WindowAlignment(facts.n_classes, self.window, 0.0)
        self.register_buffer("bank", F.normalize(torch.randn(len(facts.y), self.dim), dim=-1))
        self.register_buffer("labels", facts.y.clone())
        return WithHeads(net, projection=projection(net.feature_dim, self.dim))

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        return above(self.align(p), self.tau)

    def unfold(self, p: Tensor, q: Tensor) -> Tensor:
        """q^ [mu B, N] of p [mu B, C] and q [mu B, N]."""
        unfolded = q * p[:, self.labels]
        return unfolded / unfolded.sum(-1, keepdim=True).clamp(min=1e-12)

    def aggregate(self, q: Tensor, n_classes: int) -> Tensor:
        """[mu B, C] of q [mu B, N]."""
        return product(q, one_hot(self.labels, n_classes))

    def remember(self, z: Tensor, i: Tensor) -> None:
        """Take z [B, d] of the labelled inputs i [B] into the bank."""
        z = z[latest(i)]
        self.bank[i] = F.normalize(self.bank[i].lerp(z, 1 - self.momentum), dim=-1)

    def loss(self, student: Student, batch: Batch) -> Step:
        logits, z = embed(student.net, torch.cat([batch.x, *batch.u]))
        rows = [len(batch.x), *map(len, batch.u)]
        x, weak, strong = logits.split(rows)
        z_x, z_weak, z_strong = z.split(rows)
        bank = self.bank.T.clone()
        teaches = student.now(lambda t: float(t >= self.warm_up))
        with torch.no_grad():
            p = weak.softmax(-1)
            self.align.observe(p)
            p = self.align(p)
            q = (product(z_weak, bank) / self.t).softmax(-1)
            smooth = p + teaches * (1 - self.alpha) * (self.aggregate(q, p.shape[1]) - p)
            pseudo, unfolded = above(smooth, self.tau), self.unfold(p, q)
            self.remember(z_x, batch.i)
        supervised = cross_entropy(x, batch.y).mean()
        unsupervised = self.lambda_u * (pseudo.selected * cross_entropy(strong, smooth)).mean()
        instance = teaches * self.lambda_in * cross_entropy(product(z_strong, bank) / self.t, unfolded).mean()
        log = {"loss_s": supervised, "loss_u": unsupervised, "instance": instance}
        return Step(supervised + unsupervised + instance, log, pseudo)
