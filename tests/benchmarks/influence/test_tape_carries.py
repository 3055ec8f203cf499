"""What the tape carries, operator by operator."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from carried import carried
from torch import Tensor


def plus(a: Tensor, b: Tensor) -> Tensor:
    a += b
    return a


def growing(p: dict[str, Tensor], x: Tensor) -> Tensor:
    """Dense connections, from a list that grows while the tape holds it."""
    seen = [x]
    for _ in range(2):
        seen.append((torch.cat(seen, 1) @ torch.cat([p["w"]] * len(seen))).tanh())
    return torch.cat(seen, 1)


def without_gradient(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h = x @ p["w"]
    with torch.no_grad():
        teacher = (h * 2).softmax(-1) + h.view(-1)[0]
    return h * teacher


def short_lived(p: dict[str, Tensor], x: Tensor) -> Tensor:
    """Many values that die at once, whose memory and ids are free for the next."""
    total = x @ p["w"]
    for k in range(50):
        torch.randn(4, 4).sin().cos()
        total = total + (x + k) * (p["v"].detach() + k).sigmoid() @ p["w"].sin()
    return total


def recurrent(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h, weights = torch.zeros(1, 1, 4), (p["w"], p["v"], p["b"], p["b"])
    out, last = torch.rnn_tanh(x[None], h, weights, True, 1, 0.0, False, False, True)
    return out[0] + last[0]


def spread(p: dict[str, Tensor], x: Tensor) -> Tensor:
    """In-place sums: onto a constant, of a smaller shape, twice."""
    total = torch.zeros(4, 4)
    total += x @ p["w"]
    total.add_(p["b"])
    total += 1
    return total.sin()


def second_of_a_view(p: dict[str, Tensor], x: Tensor) -> Tensor:
    first, second = (x @ p["w"]).unbind(0)[:2]
    return first * second


CARRIED: dict[str, Callable[[dict[str, Tensor], Tensor], Tensor]] = {
    "chunk": lambda p, x: (lambda a, b: a * b)(*(x @ p["w"]).chunk(2, 1)),
    "split of unequal sizes": lambda p, x: (lambda a, b: a * b)(*(x @ p["w"]).split([1, 3], 1)),
    "max with indices": lambda p, x: (lambda m: m.values * (m.indices + 1))((x @ p["w"]).max(-1)),
    "sort": lambda p, x: (x @ p["w"]).sort(-1)[0].cumsum(-1),
    "top k": lambda p, x: (x @ p["w"]).topk(2).values.prod(-1),
    "unpacking": lambda p, x: torch.stack([row * row for row in x @ p["w"]]),
    "unbind": second_of_a_view,
    "meshgrid": lambda p, x: (lambda a, b: a * b.sin())(*torch.meshgrid(p["b"], p["b"] * 2, indexing="ij")),
    "variance and mean": lambda p, x: sum(torch.var_mean(x @ p["w"], 1)),
    "eigenvalues": lambda p, x: torch.linalg.eigh(p["w"] + p["w"].T + 9 * torch.eye(4)).eigenvalues,
    "a recurrent layer": recurrent,
    "indices of max pooling": lambda p, x: F.max_pool1d(x @ p["w"], 2, return_indices=True)[0].exp(),
    "a list that grows": growing,
    "without gradient": without_gradient,
    "detach": lambda p, x: (x @ p["w"]).detach() * (x @ p["v"]),
    ".data": lambda p, x: (x @ p["w"]).data * (x @ p["v"]) + p["b"].data * p["b"],
    "detach_": lambda p, x: (lambda h: h * 3 + h.detach_() * (x @ p["v"]))(x @ p["w"]),
    "straight through": lambda p, x: (lambda h: h + (h.round() - h).detach())(x @ p["w"]).sin(),
    "arg max": lambda p, x: (x @ p["w"])[torch.arange(4), (x @ p["w"]).argmax(-1)].exp(),
    "a mask and a step": lambda p, x: (x @ p["w"])[:, (p["b"] > -9)][1:, None, ::2, ...].sigmoid(),
    "tensors' methods": lambda p, x: x.mm(p["w"]).mul(2).pow(2).t().reshape(2, 8).clamp(min=0.1).log(),
    "functions of torch._C": lambda p, x: torch._C._nn.gelu(torch._C._VariableFunctions.matmul(x, p["w"])),
    "torch.ops": lambda p, x: torch.ops.aten.sin(torch.ops.aten.mm.default(x, p["w"])),
    "addmm, by names": lambda p, x: torch.addmm(input=p["b"], mat1=x, mat2=p["w"], beta=2, alpha=3).sin(),
    "einsum": lambda p, x: torch.einsum("ab,bc,c->ac", x, p["w"], p["b"]).sin(),
    "convolution by names": lambda p, x: F.conv2d(x[None, None], weight=p["w"][None, None], padding=2).sin(),
    "convolution without bias": lambda p, x: F.conv2d(x[None, None], p["w"][None, None, :3, :3]).sin(),
    "dropout at rest": lambda p, x: F.dropout(x @ p["w"], 0.5, training=False).sin(),
    "a mask drawn apart": lambda p, x: (x @ p["w"]) * torch.rand_like(p["w"]) * torch.bernoulli(torch.full((4,), 0.5)),
    "values that die": short_lived,
    "a parameter alone": lambda p, x: p["w"],
    "+=": lambda p, x: plus(x @ p["w"], x @ p["v"]).relu(),
    "+= of what came after": lambda p, x: plus(x @ p["w"], (x @ p["v"]).sin()).contiguous().view(-1).sin(),
    "sums in place": spread,
    "add_ of itself": lambda p, x: (lambda h: h.add_(h))((x @ p["w"]).mul(1)).sin(),
    "running statistics": lambda p, x: F.batch_norm(x @ p["w"], torch.zeros(4), torch.ones(4), p["b"], None, True),
}


@pytest.mark.parametrize("name", CARRIED)
@pytest.mark.usefixtures("double")
def test_the_tape_carries(name):
    found, wanted = carried(CARRIED[name])
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
