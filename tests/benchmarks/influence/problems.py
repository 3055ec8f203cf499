"""Bi-level problems, and their derivative by reverse mode over reverse mode."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from models import LABELLED, N_CLASSES, UNLABELLED, own_buffers
from torch import Tensor
from torch.func import functional_call

from benchmarks.training.student import Student
from methods.base import Batch, Inner, Net

Problem = tuple[Callable[[Net], Inner], Callable[[Net], Tensor], Tensor | None]


def problem(batch: Batch, base: bool) -> Problem:
    """An inner objective and a labelled loss as Meta-T (base, weights) and as Meta-Semi (neither) ask about them."""
    (u,) = batch.u
    target = torch.randn(UNLABELLED, N_CLASSES).softmax(-1)

    def inner(net: Net) -> Inner:
        logits = net(torch.cat([batch.x, u]))
        losses = F.cross_entropy(logits[LABELLED:], target, reduction="none") / UNLABELLED
        return Inner(losses, F.cross_entropy(logits[:LABELLED], batch.y) if base else None)

    def meta(net: Net) -> Tensor:
        return F.cross_entropy(net(batch.x), batch.y)

    return inner, meta, torch.rand(UNLABELLED) if base else None


def unrolled(student: Student, inner: Callable[[Net], Inner], meta: Callable[[Net], Tensor], s: Tensor) -> Tensor:
    """d L_meta(w - lr grad inner(s)) / d s by reverse mode over reverse mode; no code of `benchmarks.influence`."""
    s = s.clone().requires_grad_()
    params = dict(student.net.named_parameters())
    buffers = own_buffers(student.net)
    objective = inner(lambda x: functional_call(student.net, (params, buffers), (x,)))
    total = (s * objective.losses).sum() + (0 if objective.base is None else objective.base)
    grads = torch.autograd.grad(total, list(params.values()), create_graph=True, allow_unused=True)
    ahead = {name: p if g is None else p - student.lr * g for (name, p), g in zip(params.items(), grads, strict=True)}
    outer = meta(lambda x: functional_call(student.net, (ahead, own_buffers(student.net)), (x,)))
    return torch.autograd.grad(outer, s)[0]
