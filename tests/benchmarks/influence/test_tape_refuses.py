"""What the tape cannot carry, it refuses in one line: it is never wrong in silence."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from carried import carried, matrix
from torch import Tensor

from benchmarks.errors import UserError
from benchmarks.influence.tape import Tape


class Sine(torch.autograd.Function):
    """An operator whose name no mode hears."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()


def into(p: dict[str, Tensor], x: Tensor) -> Tensor:
    buffer = torch.zeros(4, 4)
    buffer[1] = x[0] @ p["w"]
    return buffer.sin()


def base_of_a_changed_view(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h = x @ p["w"]
    row = h[0]
    row += p["b"]
    return h.sin()


def view_of_a_changed_base(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h = x @ p["w"]
    row = h[0]
    h += p["b"]
    return row.sin()


def used_before(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h = x @ p["w"]
    square = h * 2  # reverse mode needs no value of h here, forward mode's rule is given one
    h += p["b"]
    return square + h


def overwritten(p: dict[str, Tensor], x: Tensor) -> Tensor:
    h = x @ p["w"]
    with torch.no_grad():
        h.mul_(2)
    return h.sin()


REFUSED: dict[str, tuple[Callable[[dict[str, Tensor], Tensor], Tensor], str]] = {
    "mul_": (lambda p, x: (x @ p["w"]).mul(1).mul_(2).sin(), "in place"),
    "*=": (lambda p, x: (lambda h: h.__imul__(x @ p["v"]))(x @ p["w"]), "in place"),
    "add_ with a factor": (lambda p, x: (x @ p["w"]).add_(x @ p["v"], alpha=2).sin(), "in place"),
    "relu_": (lambda p, x: F.relu(x @ p["w"], inplace=True), "in place"),
    "leaky relu in place": (lambda p, x: F.leaky_relu(x @ p["w"], 0.1, True), "in place"),
    "leaky_relu_": (lambda p, x: F.leaky_relu_(x @ p["w"], 0.1), "in place"),
    "into a constant": (into, "not see|in place"),
    "a view modified": (base_of_a_changed_view, "in place"),
    "the base of a view modified": (view_of_a_changed_base, "in place"),
    "modified after its use": (used_before, "in place"),
    "overwritten": (overwritten, "in place"),
    "copy_": (lambda p, x: torch.zeros(4, 4).copy_(x @ p["w"]).sin(), "not see|in place"),
    "the base of what is returned": (lambda p, x: (lambda h: (h, h[0].add_(1))[0])(x @ p["w"]), "in place"),
    "a constant modified later": (lambda p, x: (lambda m: (x @ p["w"] * m, m.zero_())[0])(torch.ones(4)), "in place"),
    "running statistics by a rule": (
        lambda p, x: F.instance_norm((x @ p["w"])[None], torch.zeros(4), torch.ones(4), p["b"]), "in place",
    ),
    "dropout in place": (lambda p, x: F.dropout(x @ p["w"], 0.5, True, inplace=True), "random|in place"),
    "feature dropout": (lambda p, x: F.dropout2d((x @ p["w"])[None, None], 0.5), "random"),
    "alpha dropout": (lambda p, x: F.alpha_dropout(x @ p["w"], 0.5, training=True), "random"),
    "rrelu": (lambda p, x: F.rrelu(x @ p["w"], training=True), "random"),
    "gumbel softmax": (lambda p, x: F.gumbel_softmax(x @ p["w"]), "random"),
    "fractional pooling": (lambda p, x: F.fractional_max_pool2d((x @ p["w"])[None, None], 2, 2), "random"),
    "attention with dropout": (
        lambda p, x: F.scaled_dot_product_attention(*[(x @ p["w"])[None, None]] * 3, dropout_p=0.5), "random|rule",
    ),
    "a generator of its own": (
        lambda p, x: torch.normal(x @ p["w"], torch.ones(4), generator=torch.Generator().manual_seed(0)), "random",
    ),
    "autograd.Function": (lambda p, x: Sine.apply(x @ p["w"]).exp(), "not see .*SineBackward"),
    "autograd.Function in the end": (lambda p, x: Sine.apply(x @ p["w"]), "not see .*SineBackward"),
    "weight norm": (lambda p, x: x @ torch._weight_norm(p["w"], p["v"][:, :1], 0), "_weight_norm: it has no"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("double")
def test_the_tape_refuses_what_it_cannot_carry(name):
    f, why = REFUSED[name]
    with pytest.raises(UserError, match=f"^engine=forward cannot .*({why}).*choose engine=finite_difference$"):
        carried(f)


@pytest.mark.usefixtures("double")
def test_what_no_tangent_reaches_is_not_refused():
    x, w, v = torch.randn(4, 4), matrix(4, 4), matrix(4, 4)
    with Tape() as tape:
        out = F.dropout(Sine.apply(x @ v), 0.5).mul_(2) * 0 + x @ w
    dw = torch.randn(4, 4)
    with pytest.raises(UserError, match="not see"):  # for all that the tape knows, w is in there
        tape.tangent({w: dw}, out)
    with Tape() as tape:
        out = F.dropout(x @ v, 0.5).mul(2) + x @ w
    torch.testing.assert_close(tape.tangent({w: dw}, out), x @ dw)


@pytest.mark.usefixtures("double")
def test_a_value_of_before_the_tape_is_refused_where_it_has_a_graph():
    x, w = torch.randn(4, 4), matrix(4, 4)
    before, constant = x @ w, (x @ w).detach()
    for value in (before, constant):
        with Tape() as tape:
            out = value * w
        if value is before:
            with pytest.raises(UserError, match=r"not see .*MmBackward"):
                tape.tangent({w: torch.ones(4, 4)}, out)
        else:
            torch.testing.assert_close(tape.tangent({w: torch.ones(4, 4)}, out), constant)
