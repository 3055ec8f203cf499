"""Virtual adversarial training (Miyato et al., TPAMI 2018)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from methods.base import Batch, Student
from methods.consistency import Consistency, Outputs
from methods.options import NonNegative, Positive


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """1/B sum_b KL(p_b || q_b), a scalar, of log-probabilities [B, C]."""
    return F.kl_div(q, p, reduction="batchmean", log_target=True)


def unit(d: Tensor) -> Tensor:
    """d [B, ...], each input's direction brought to norm 1."""
    rows = d.flatten(1)
    rows = rows / rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(d.dtype).tiny)  # or small squares vanish
    return F.normalize(rows).view_as(d)


class VAT(Consistency):
    """R = 1/(mu B) sum_j KL(p_j || p(u_j + r_j)) + w_entropy H(p_j),   p_j = softmax f(u_j), no gradient in KL's first

    r_j = eps g_j / ||g_j||,   g_j = grad_r KL(p_j || p(u_j + r)) at r = xi d_j, d_j a random direction of norm 1

    (Algorithm 1, one power iteration). The entropy term and the passes are as in the authors' code (takerum/vat_tf,
    its method vatent): batch norm's running statistics see the labelled inputs alone.

    Deviation: xi. There it is 1e-6, which float32 rounds away: u + xi d is u, and dropout alone gives g a direction.
    """

    def __init__(self, *, eps: Positive, xi: Positive, w_entropy: NonNegative, **consistency: Any) -> None:
        super().__init__(**consistency)
        self.eps, self.xi, self.w_entropy = eps, xi, w_entropy

    def perturbation(self, student: Student, u: Tensor, p: Tensor) -> Tensor:
        """r [mu B, ...] of inputs u whose log-probabilities are p [mu B, C]."""
        d = (self.xi * unit(torch.randn_like(u, dtype=p.dtype))).requires_grad_()
        away = divergence(p, student.silent(u + d).float().log_softmax(-1))
        (g,) = torch.autograd.grad(away, d)
        return self.eps * unit(g)

    def outputs(self, student: Student, batch: Batch) -> Outputs:
        (u,) = batch.u
        x, logits = student.net(batch.x), student.silent(u)
        p = logits.float().log_softmax(-1)
        entropy = -(p.exp() * p).sum(-1).mean()
        r = self.perturbation(student, u, p.detach())
        adversarial = divergence(p.detach(), student.silent(u + r).float().log_softmax(-1))
        return Outputs(x, logits, adversarial + self.w_entropy * entropy)
