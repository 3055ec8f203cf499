"""The tape: forward mode through a pass already made."""

import weakref
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from carried import matrix
from models import N_CLASSES, batch_of, every_net, own_buffers, relative, student_of
from torch import Tensor, nn
from torch.func import functional_call, jvp

from benchmarks.influence import rules as tangent
from benchmarks.influence.tape import Tape
from benchmarks.nets.resnet import ResNet50


def tape_and_jvp(f: Callable[[dict[str, Tensor]], Tensor], params: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tape]:
    """The tangent of f by the tape and by torch.func, along a random direction."""
    v = {name: torch.randn_like(p) for name, p in params.items()}
    with Tape() as tape:
        out = f(params)
    found = tape.tangent({params[name]: v[name] for name in params}, out)
    return found, jvp(f, (params,), (v,))[1], tape


@every_net
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.usefixtures("double")
def test_the_tape_is_forward_mode(kind, training):
    net = student_of(kind).net.train(training)
    x, y = batch_of().x, batch_of().y
    params = dict(net.named_parameters())

    def losses(params: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(functional_call(net, (params, own_buffers(net)), (x,)), y, reduction="none")

    found, truth, tape = tape_and_jvp(losses, params)
    assert relative(found, truth) < 1e-12
    rules = [op.rule for op in tape.ops]
    n_norms = sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    idle = sum(getattr(m, "raw_branch", False) for m in net.modules())
    assert rules.count(tangent.push_batch_norm) == (n_norms - idle if training else 0)  # the fused kernels were used
    assert rules.count(tangent.push_conv) >= 2 and rules.count(tangent.push_leaky_relu) >= 2


def attention(p: dict[str, Tensor], x: Tensor) -> Tensor:
    q, k = x @ p["w"], x @ p["v"]
    return torch.einsum("bi,ci->bc", q, k).div(2).softmax(-1) @ q


OPERATORS: dict[str, Callable[[dict[str, Tensor], Tensor], Tensor]] = {
    "linear, tanh": lambda p, x: F.linear(x, p["w"].T, p["b"]).tanh(),
    "a method and a property": lambda p, x: (p["w"].T.contiguous().mT.add(p["v"]) * 2).exp(),
    "python's operators": lambda p, x: 1 - (x @ p["w"] - 3) ** 2 / (2 + p["b"].abs()),
    "attention": attention,
    "cat, stack, index, where": lambda p, x: torch.where(
        x[:, :1] > 0, torch.cat([p["w"][1:], p["w"][:1]])[:4], torch.stack([p["b"]] * 4)[:, [2, 1, 0, 2]]
    ),
    "layer norm, gelu": lambda p, x: F.gelu(F.layer_norm(x @ p["w"], (4,), p["b"], None)),
    "batch norm of rows": lambda p, x: F.batch_norm(x @ p["w"], None, None, p["b"], p["v"][0], True),
    "batch norm at rest": lambda p, x: F.batch_norm(
        x @ p["w"], torch.ones(4), torch.full((4,), 2.0), p["b"], None, False
    ),
    "batch norm without gains": lambda p, x: F.batch_norm(x @ p["w"], None, None, None, None, True),
    "leaky relu": lambda p, x: F.leaky_relu(x @ p["w"], negative_slope=0.3) + F.leaky_relu(x @ p["v"]),
    "max of each row": lambda p, x: (x @ p["w"]).amax(-1),
    "something constant": lambda p, x: x @ x.T + 0 * p["w"].detach().sum(),
    "a value used twice": lambda p, x: (lambda h: h * h.sigmoid() + h)(x @ p["w"]),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.usefixtures("double")
def test_the_tape_knows_operators_without_a_rule_of_their_own(name):
    x = torch.randn(4, 4)
    params = {"w": matrix(4, 4), "v": matrix(4, 4), "b": matrix(4)}
    found, truth, _ = tape_and_jvp(lambda p: OPERATORS[name](p, x), params)
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ("weight", "bias")),
        ({"stride": 2, "padding": 1, "bias": False}, ("weight",)),
        ({"groups": 2, "dilation": 2}, ("weight", "bias")),
        ({"padding": 1, "padding_mode": "reflect"}, ("weight", "bias")),
    ],
)
@pytest.mark.usefixtures("double")
def test_the_tape_knows_convolutions(options, names):
    first, layer = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 6, 3, **options)
    x = torch.randn(3, 2, 8, 8)
    params: dict[str, Tensor] = {"first": first.weight} | {name: getattr(layer, name) for name in names}

    def f(p: dict[str, Tensor]) -> Tensor:
        inside = functional_call(first, {"weight": p["first"]}, (x,))
        return functional_call(layer, {name: p[name] for name in names}, (inside,)).sin()

    found, truth, _ = tape_and_jvp(f, params)
    assert relative(found, truth) < 1e-12


@pytest.mark.usefixtures("double")
def test_the_tape_keeps_the_values_of_the_pass():
    net, x = student_of("tf").net, batch_of().x
    before = own_buffers(net)
    with Tape():
        taped = net(x)
    after = own_buffers(net)
    net.load_state_dict(before, strict=False)
    torch.testing.assert_close(net(x), taped, rtol=1e-12, atol=0)
    for name, value in net.named_buffers():
        torch.testing.assert_close(value, after[name], rtol=1e-12, atol=0)
        assert not torch.equal(value, before[name])


def test_the_tape_keeps_no_value_alive_that_no_rule_reads():
    w, x, kept, made = matrix(4, 4), torch.randn(4, 4), torch.randn(4, 4), []

    def watched(value: Tensor) -> Tensor:
        made.append(weakref.ref(value))
        return value

    with Tape() as tape:
        branch = watched(x @ w)
        out = watched(branch + kept)  # autograd needs no value of a sum
        del branch
        exponential = watched(out.exp())
        del out
        end = exponential.sum()
        del exponential
    assert [ref() is None for ref in made] == [True, False, False]  # exp's rule reads its input, sum's as well
    torch.testing.assert_close(tape.tangent({w: x}, end), (torch.exp(x @ w + kept) * (x @ x)).sum())


@pytest.mark.usefixtures("double")
def test_the_tape_knows_resnet50():
    net, x = ResNet50(in_channels=3, n_classes=N_CLASSES), torch.randn(2, 3, 32, 32)
    params = dict(net.named_parameters())
    found, truth, _ = tape_and_jvp(lambda p: functional_call(net, (p, own_buffers(net)), (x,)).logsumexp(1), params)
    assert relative(found, truth) < 1e-9


@pytest.mark.parametrize("layer", ["convolution", "batch norm"])
@pytest.mark.usefixtures("double")
def test_the_tape_knows_a_bias_alone(layer):
    x, w = torch.randn(3, 2, 6, 6), torch.randn(2, 2, 3, 3)
    functions = {
        "convolution": lambda p: F.conv2d(x, w, p["b"]).sin(),
        "batch norm": lambda p: F.batch_norm(x, None, None, torch.ones(2), p["b"], True).sin(),
    }
    found, truth, _ = tape_and_jvp(functions[layer], {"b": matrix(2)})
    assert relative(found, truth) < 1e-12
