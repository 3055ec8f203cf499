"""MixMatch (Berthelot et al., NeurIPS 2019)."""

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Method, Step, Student
from methods.functional import brier, cross_entropy, linear_ramp_up, mix, mixing, one_hot, sharpen
from methods.options import NonNegative, Positive, Share


def mixup_each(x: Tensor, p: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """MixUp of inputs [N, ...] and distributions [N, C], each with a lambda of its own and nearer to itself (Eq. 8)."""
    lam, order = mixing(beta, x, len(x)), torch.randperm(len(x), device=x.device)
    lam = torch.maximum(lam, 1 - lam)
    return mix(x, order, lam.view(-1, *[1] * (x.ndim - 1))), mix(p, order, lam[:, None])


def interleaved(student: Student, x: Tensor, size: int, moves: int) -> Tensor:
    """Logits [N, C] of inputs [N, ...] in n = N / size passes, of which `moves` alone moves the running statistics.

    As passes are normalised each by itself, the first `size` inputs, the labelled ones, are dealt to all of them: their
    k-th n-th changes places with that of the k-th pass.
    """
    n = len(x) // size
    first = torch.arange(size, device=x.device)
    other = first * n // size * size + first
    order = torch.arange(len(x), device=x.device).index_copy(0, first, other).index_copy(0, other, first)
    net = [student.silent] * n
    net[moves] = student.net
    logits = torch.cat([ask(part) for ask, part in zip(net, x[order].split(size), strict=True)])
    return logits[order]  # which is its own inverse


class MixMatch(Method):
    """L = 1/B sum H(p, f(x')) + w(t) 1/(K mu B C) sum ||q - softmax f(u')||^2,   w(t) = w_match min(t / ramp, 1)

    q_b = Sharpen(1/K sum_k softmax f(u_b,k), T) without a gradient,   K = 2 weak views             (Eq. 6 and 7)
    (x', p), (u', q) = MixUp of all inputs [B + K mu B, ...] with their Shuffle, lambda = max(., 1 - .)    (Eq. 8 to 11)

    As in the authors' code (google-research/mixmatch) a lambda is one input's, each view passes by itself for q, and
    mixed inputs pass in interleaved batches of B, of which the first alone moves batch norm's running statistics.
    """

    views = ("weak", "weak")

    def __init__(self, *, T: Positive, beta: Positive, w_match: NonNegative, ramp: Share) -> None:
        super().__init__()
        self.T, self.beta, self.w_match, self.ramp = T, beta, w_match, ramp

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.n_classes = facts.n_classes
        return net

    def loss(self, student: Student, batch: Batch) -> Step:
        n = len(batch.x)
        with torch.no_grad():
            p = torch.stack([student.silent(u).float().softmax(-1) for u in batch.u]).mean(0)
        q = sharpen(p, self.T)
        inputs, targets = mixup_each(
            torch.cat([batch.x, *batch.u]), torch.cat([one_hot(batch.y, self.n_classes), q, q]), self.beta
        )
        logits = interleaved(student, inputs, n, moves=0)
        supervised = cross_entropy(logits[:n], targets[:n]).mean()
        w = student.now(lambda t: self.w_match * linear_ramp_up(t, self.ramp))
        unsupervised = w * brier(logits[n:], targets[n:])
        log = {"loss_s": supervised, "loss_u": unsupervised}
        return Step(supervised + unsupervised, log, self.pseudo(p, batch.j))
