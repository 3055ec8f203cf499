"""The one primitive behind three papers: what would the labelled loss do if pseudo-labelled sample j counted more?

With the inner objective base(w) + sum_j s_j l_j(w) and the look-ahead w_hat = w - alpha grad_w of it,

    influence_j = d L_meta(w_hat) / d s_j = -alpha < grad L_meta(w_hat), grad l_j(w) > (Meta-Semi Eq. 10, Meta-T Eq. 17)

For all j at once this is one forward-mode product of the vector l along v = grad L_meta(w_hat): exact, with no graph of
second order. Three engines give the same numbers: `forward`, `finite_difference` (two plain passes instead, for
operators that `forward` refuses), and `higher` (the unrolled reference that the papers used; the test oracle).
Each also hands back the inner objective at the present weights, with its graph: the update descends the same pass. Its
`descended` is the look-ahead's own objective, whose gradient need not be taken again.

The look-ahead is plain SGD: with momentum or weight decay in it Meta-Semi's Proposition 1 would not hold. Batch norm
acts as in training; its running statistics are cloned, so the student's own stay untouched.

`forward` runs in the plain passes' precision, bfloat16 if they do, with losses and influences in single: the error that
this makes is less than that of the pass itself (docs/performance.md). The other two are always in single precision.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.influence.tape import Tape
from benchmarks.machine.device import rng_state, set_rng_state
from methods.base import Function, Inner

InnerFn = Callable[[Function], Inner]
MetaFn = Callable[[Function], Tensor]
Weights = dict[str, Tensor]
Rate = float | Tensor


def at(net: nn.Module, weights: Weights) -> Function:
    """`net` at other weights and with buffers of its own."""
    state = weights | {name: buffer.clone() for name, buffer in net.named_buffers()}
    return lambda x: functional_call(net, state, (x,))


def trained(net: nn.Module) -> Weights:
    """w: the parameters that are not frozen."""
    return {name: p for name, p in net.named_parameters() if p.requires_grad}


def full_precision(net: nn.Module) -> torch.autocast:
    """No autocast in here: a difference of two nearly equal passes would be bfloat16's rounding."""
    return torch.autocast(next(net.parameters()).device.type, enabled=False)


class Known(torch.autograd.Function):
    """An objective with its gradients: the backward pass hands them out."""

    @staticmethod
    def forward(ctx: Any, objective: Tensor, gradients: Sequence[Tensor | None], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return objective.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(None if g is None else factor * g for g in ctx.gradients)


def look_ahead(net: nn.Module, here: Inner, weights: Tensor | None, lr: Rate) -> tuple[Weights, Inner]:
    """w_hat = w - lr grad (base + sum_j s_j l_j), from the graph of a pass already made; w itself where all s_j = 0.

    And `here` with what is known now.
    """
    w = trained(net)
    if weights is None and here.base is None:
        return {name: p.detach().requires_grad_() for name, p in w.items()}, here
    objective = here.total(torch.zeros_like(here.losses) if weights is None else weights)
    gradients = torch.autograd.grad(objective, list(w.values()), retain_graph=True, allow_unused=True)
    with torch.no_grad():
        ahead = {
            name: p.clone() if g is None else p - lr * g for (name, p), g in zip(w.items(), gradients, strict=True)
        }
    known = Known.apply(objective.detach(), gradients, *w.values())
    return {name: p.requires_grad_() for name, p in ahead.items()}, here._replace(descended=known)


def meta_gradient(net: nn.Module, meta: MetaFn, ahead: Weights) -> Weights:
    """v = grad L_meta(w_hat); zero for a parameter that L_meta does not reach."""
    gradients = torch.autograd.grad(meta(at(net, ahead)), list(ahead.values()), allow_unused=True)
    return {
        name: torch.zeros_like(p) if g is None else g for (name, p), g in zip(ahead.items(), gradients, strict=True)
    }


def forward(net: nn.Module, inner: InnerFn, meta: MetaFn, weights: Tensor | None, lr: Rate) -> tuple[Tensor, Inner]:
    """-lr times the tangent of the losses along v, pushed through the inner pass."""
    with Tape() as tape:
        here = inner(net)
    ahead, here = look_ahead(net, here, weights, lr)
    v = meta_gradient(net, meta, ahead)
    return -lr * tape.tangent({p: v[name] for name, p in trained(net).items()}, here.losses), here


def finite_difference(
    net: nn.Module, inner: InnerFn, meta: MetaFn, weights: Tensor | None, lr: Rate
) -> tuple[Tensor, Inner]:
    """-lr (l(w + eps v) - l(w - eps v)) / (2 eps) with eps = 0.0001 / |v|: two plain passes.

    A longer step lets rectifiers switch on its way, each an error of order eps; in a shorter one float32 rounds. All
    three passes draw the same random numbers: with other dropout masks the difference would be noise over eps.
    """
    device = next(net.parameters()).device
    random = rng_state(device)
    here = inner(net)
    with full_precision(net):
        ahead, here = look_ahead(net, here, weights, lr)
        v = meta_gradient(net, meta, ahead)
    norm = torch.linalg.vector_norm(torch.cat([t.flatten() for t in v.values()]))
    eps = 0.0001 / norm.clamp(min=torch.finfo(norm.dtype).tiny)
    there, after = [], rng_state(device)
    with torch.no_grad(), full_precision(net):
        for sign in (1, -1):
            set_rng_state(random, device)
            there.append(inner(at(net, {name: p + sign * eps * v[name] for name, p in trained(net).items()})).losses)
    set_rng_state(after, device)
    return -lr * (there[0] - there[1]) / (2 * eps), here


def higher(net: nn.Module, inner: InnerFn, meta: MetaFn, weights: Tensor | None, lr: Rate) -> tuple[Tensor, Inner]:
    """The look-ahead unrolled by the package `higher`, then differentiated twice: what the papers ran."""
    import higher as package

    here = inner(net)
    s = (torch.zeros_like(here.losses) if weights is None else weights).detach().clone().requires_grad_()
    net = copy.deepcopy(net)  # with running statistics of its own
    descent = torch.optim.SGD(list(trained(net).values()), lr=lr)
    with full_precision(net), package.innerloop_ctx(net, descent) as (unrolled, differentiable_descent):
        differentiable_descent.step(inner(unrolled).total(s))
        (gradient,) = torch.autograd.grad(meta(unrolled), s)
    return gradient, here


ENGINES = {"forward": forward, "finite_difference": finite_difference, "higher": higher}
