"""The papers' equations, each against an independent reference or a hand computation."""

import copy
import math
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import higher
import pytest
import torch
import torch.nn.functional as F
from benchmarks.build import make
from conftest import Parts
from torch import Tensor, nn
from torch.func import functional_call, jvp

from benchmarks.config import compose
from benchmarks.data.loader import Loader
from benchmarks.errors import UserError
from benchmarks.influence import rules as tangent
from benchmarks.influence.engines import ENGINES
from benchmarks.influence.tape import Tape
from benchmarks.nets.cnn13 import CNN13
from benchmarks.nets.resnet import ResNet50
from benchmarks.nets.tiny import TinyNet
from benchmarks.nets.wrn import WideResNet
from benchmarks.training.student import Student, constant
from methods import functional
from methods.base import Batch, Facts, Inner, Method, Net, Step

N_CLASSES, LABELLED, UNLABELLED = 4, 5, 8
BN = {"leak": 0.1, "bn_momentum": 0.1, "bn_eps": 1e-3}
NETS: dict[str, Callable[..., nn.Module]] = {
    "tf": partial(WideResNet, depth=10, width=1, variant="tf", first_stride=1, stages=[16, 32, 64], **BN),
    "torchssl": partial(WideResNet, depth=10, width=1, variant="torchssl", first_stride=1, stages=[16, 32, 64], **BN),
    "cnn13": partial(CNN13, width=4, **BN),
    "tiny": partial(TinyNet, widths=[4, 6], strides=[1, 2], **BN),
}
every_net = pytest.mark.parametrize("kind", NETS)
FACTS = Facts(N_CLASSES, torch.full((N_CLASSES,), 2), UNLABELLED)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in float64, also what the code makes single on purpose."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def student_of(kind: str, engine: str = "forward") -> Student:
    """A student whose batch norm has gains and shifts, so that their tangents count."""
    torch.manual_seed(1)
    net = NETS[kind](in_channels=2, n_classes=N_CLASSES)
    with torch.no_grad():
        for p in net.parameters():
            if p.ndim == 1:
                p.add_(torch.randn_like(p), alpha=0.2)
    optimizer = partial(torch.optim.SGD, lr=0.3, momentum=0.9, nesterov=True, weight_decay=1e-3)
    return Student(net, optimizer=optimizer, schedule=constant, decay=0.99, steps=100, engine=engine)


def images(n: int) -> Tensor:
    """Noise around a colour of their own, so that a net tells them apart."""
    return torch.randn(n, 2, 12, 12) + 2 * torch.randn(n, 2, 1, 1)


def batch_of(*views: str, seed: int = 2) -> Batch:
    torch.manual_seed(seed)
    x, y = images(LABELLED), torch.randint(N_CLASSES, (LABELLED,))
    u = tuple(images(UNLABELLED) for _ in views)
    return Batch(x, y, torch.arange(LABELLED), u, torch.arange(UNLABELLED))


def method_of(name: str, *numbers: str) -> Method:
    """A method at its YAML's numbers, before its setup."""
    method: Method = make(compose([f"method={name}", *(f"method.{number}" for number in numbers)]).method)
    return method


def relative(a: Tensor, b: Tensor) -> float:
    return (torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b)).item()


def own_buffers(net: nn.Module) -> dict[str, Tensor]:
    return {name: b.clone() for name, b in net.named_buffers()}


# --- influence


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


def near(kind: str) -> float:
    """What a finite difference may be wrong by; in the CNN-13 of four channels some rectifier switches in any step."""
    return 0.1 if kind == "cnn13" else 0.01


@every_net
@pytest.mark.parametrize("base", [True, False], ids=["base", "zero"])
@pytest.mark.parametrize("engine", ["forward", "higher", "finite_difference"])
@pytest.mark.usefixtures("double")
def test_every_engine_is_the_unrolled_derivative(kind, base, engine):
    student = student_of(kind, engine)
    inner, meta, s = problem(batch_of("weak"), base)
    truth = unrolled(student, inner, meta, torch.zeros(UNLABELLED) if s is None else s)
    found, _ = student.influence(inner, meta, s)
    assert found.shape == (UNLABELLED,) and not found.requires_grad
    assert relative(found, truth) < (near(kind) if engine == "finite_difference" else 1e-9)


@every_net
@pytest.mark.parametrize("base", [True, False], ids=["base", "zero"])
def test_single_precision_is_near_enough(kind, base):
    """The median of three problems: one rectifier that switches can spoil a finite difference."""
    forward, finite_difference = (student_of(kind, engine) for engine in ("forward", "finite_difference"))
    errors = []
    for seed in range(3):
        inner, meta, s = problem(batch_of("weak", seed=seed), base)
        truth = unrolled(forward, inner, meta, torch.zeros(UNLABELLED) if s is None else s)
        assert relative(forward.influence(inner, meta, s)[0], truth) < 1e-4
        errors.append(relative(finite_difference.influence(inner, meta, s)[0], truth))
    assert sorted(errors)[1] < near(kind)


@pytest.mark.usefixtures("double")
def test_dropout_goes_by_finite_differences_alone():
    student = student_of("tiny", "finite_difference")
    student.net.features.append(nn.Dropout(0.5))
    inner, meta, s = problem(batch_of("weak"), base=True)
    torch.manual_seed(5)
    wanted = unrolled(student, inner, meta, s)
    drawn = torch.get_rng_state()
    torch.manual_seed(5)
    found, _ = student.influence(inner, meta, s)
    assert relative(found, wanted) < 0.01  # all passes with one mask
    assert torch.equal(torch.get_rng_state(), drawn)
    student.engine = ENGINES["forward"]
    with pytest.raises(UserError, match=r"dropout: it is random; choose engine=finite_difference$"):
        student.influence(inner, meta, s)


@every_net
@pytest.mark.parametrize("engine", ["forward", "higher", "finite_difference"])
@pytest.mark.usefixtures("double")
def test_influence_leaves_the_student_as_one_plain_pass_does(kind, engine):
    student, plain = student_of(kind, engine), student_of(kind)
    inner, meta, s = problem(batch_of("weak"), base=True)
    weights = [p.detach().clone() for p in student.parameters]
    _, here = student.influence(inner, meta, s)
    expected = inner(plain.net)

    for mine, theirs in zip(student.net.buffers(), plain.net.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=0)
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(student.parameters, weights, strict=True))
    assert student.step == 0 and not student.optimizer.state

    torch.testing.assert_close(here.losses, expected.losses, rtol=1e-12, atol=0)  # with its graph: what is descended
    gradients = torch.autograd.grad(here.total(s), student.parameters, allow_unused=True)
    wanted = torch.autograd.grad(expected.total(s), plain.parameters, allow_unused=True)
    torch.testing.assert_close(gradients, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("slope", [5, 100])
@pytest.mark.parametrize("kind", ["tf", "torchssl", "cnn13"])
@pytest.mark.usefixtures("double")
def test_the_gradient_of_the_tgn_is_that_of_the_unrolled_step(kind, slope):
    """Eq. (17)'s chain rule against Theta -> S -> w_hat -> L_meta in one graph, unrolled by `higher`."""
    method, student, batch = method_of("meta_t", f"slope={slope}"), student_of(kind), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    weak, strong = batch.u
    reference = copy.deepcopy(student.net)
    tgn = copy.deepcopy(method.tgn)
    with torch.no_grad():
        p = reference(weak).softmax(-1)
    confidence, y_hat = p.max(-1)
    p_bar = torch.full((N_CLASSES, N_CLASSES), 1 / N_CLASSES)
    for c in y_hat.unique():
        p_bar[c] += (1 - method.momentum) * (p[y_hat == c].mean(0) - p_bar[c])
    s = 1 / (1 + torch.exp(-slope * (confidence - tgn(torch.cat([p, p_bar[y_hat]], 1)))))
    with higher.innerloop_ctx(reference, torch.optim.SGD(reference.parameters(), lr=student.lr)) as (net, descent):
        logits = net(torch.cat([batch.x, strong]))
        unsupervised = (s * F.cross_entropy(logits[LABELLED:], y_hat, reduction="none")).mean()
        descent.step(F.cross_entropy(logits[:LABELLED], batch.y) + unsupervised)
        wanted = torch.autograd.grad(F.cross_entropy(net(batch.x), batch.y), list(tgn.parameters()))

    step = method.loss(student, batch)
    found = [p.grad for p in method.tgn.parameters()]
    assert all(g.abs().max() > 0 for g in found)
    assert all(relative(g, w) < 1e-9 for g, w in zip(found, wanted, strict=True))
    norm = torch.cat([g.flatten() for g in found]).norm()
    torch.testing.assert_close(step.log["meta_gradient"], norm)


@every_net
@pytest.mark.usefixtures("double")
def test_the_weights_of_meta_semi_are_the_same_by_every_engine(kind, monkeypatch):
    weights = []
    for engine in ("forward", "higher"):
        method, student = method_of("meta_semi"), student_of(kind, engine)
        method.setup(FACTS, student.net)
        weigh = method.weigh
        monkeypatch.setattr(method, "weigh", lambda g, weigh=weigh: weights.append(weigh(g)) or weights[-1])
        for seed in range(3):
            torch.manual_seed(seed)
            method.loss(student, batch_of("weak"))
    first, second = torch.cat(weights[:3]), torch.cat(weights[3:])
    assert len(first) == 3 * (LABELLED + UNLABELLED)
    assert set(first.tolist()) == {0.0, 1.0}
    assert torch.equal(first, second)


# --- the tape


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
    assert rules.count(tangent._push_batch_norm) == (n_norms - idle if training else 0)  # the fused kernels were used
    assert rules.count(tangent._push_conv) >= 2 and rules.count(tangent._push_leaky_relu) >= 2


def matrix(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape))


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


def truth(f: Callable[[dict[str, Tensor]], Tensor], params: dict[str, Tensor], v: dict[str, Tensor]) -> Tensor:
    """The tangent of f by reverse mode over reverse mode; random numbers and graphs as in a plain pass."""
    out = f(params)
    u = torch.zeros_like(out, requires_grad=True)
    pulled = torch.autograd.grad(out, list(params.values()), u, create_graph=True, allow_unused=True)
    product = sum((g * v[name]).sum() for name, g in zip(params, pulled, strict=True) if g is not None)
    return torch.autograd.grad(product, u)[0]


def carried(f: Callable[[dict[str, Tensor], Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The tangent of f by the tape, and the truth."""
    x = torch.randn(4, 4)
    params = {"w": matrix(4, 4), "v": matrix(4, 4), "b": matrix(4)}
    v = {key: torch.randn_like(p) for key, p in params.items()}
    torch.manual_seed(3)
    with Tape() as tape:
        out = f(params, x)
    found = tape.tangent({params[key]: v[key] for key in params}, out)
    torch.manual_seed(3)
    return found, truth(lambda p: f(p, x), params, v)


class Sine(torch.autograd.Function):
    """An operator whose name no mode hears."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()


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
    "dropout": (lambda p, x: F.dropout(x @ p["w"], 0.5, training=True), "dropout: it is random"),
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


# --- Meta-Semi


def mixtures(batch: Batch, p: Tensor, beta: float, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Eq. (12) and (13) written out, from the random numbers that follow `seed`."""
    torch.manual_seed(seed)
    draw = torch.distributions.Beta(torch.tensor(beta), torch.tensor(beta)).sample
    y = torch.eye(N_CLASSES)[batch.y]
    lam, order = draw(), torch.randperm(LABELLED)
    x_mixed, y_mixed = (lam * v + (1 - lam) * v[order] for v in (batch.x, y))
    lam, order = draw(), torch.randperm(LABELLED + UNLABELLED)
    w, z = torch.cat([batch.x, *batch.u]), torch.cat([y, p])
    u_mixed, p_mixed = (lam * v + (1 - lam) * v[order] for v in (w, z))
    return x_mixed, y_mixed, u_mixed, p_mixed


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * logits.log_softmax(-1)).sum(-1)


@pytest.mark.parametrize("kind", ["tf", "cnn13"])
@pytest.mark.usefixtures("double")
def test_eq_9_is_eq_10_and_both_are_the_method_s_weights(kind):
    method, student, batch = method_of("meta_semi"), student_of(kind), batch_of("weak")
    method.setup(FACTS, student.net)
    seen: list[Tensor] = []
    method.weigh = lambda g: seen.append(g) or (g < 0).double()
    p = student.teacher(batch.u[0]).softmax(-1)
    x_mixed, y_mixed, u_mixed, p_mixed = mixtures(batch, p, method.beta, seed=7)

    def losses(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return soft_cross_entropy(functional_call(student.net, (params, own_buffers(student.net)), (x,)), y)

    # Eq. (9): through one step of gradient descent at w = 0
    params = dict(student.net.named_parameters())
    w = torch.zeros(LABELLED + UNLABELLED, requires_grad=True)
    grads = torch.autograd.grad((w * losses(params, u_mixed, p_mixed)).sum(), list(params.values()), create_graph=True)
    ahead = {name: q - student.lr * g for (name, q), g in zip(params.items(), grads, strict=True)}
    (eq9,) = torch.autograd.grad(losses(ahead, x_mixed, y_mixed).sum(), w)

    # Eq. (10): an inner product of gradients a sample
    labelled = torch.autograd.grad(losses(params, x_mixed, y_mixed).sum(), list(params.values()))
    eq10 = [
        sum((a * b).sum() for a, b in zip(labelled, torch.autograd.grad(loss, list(params.values())), strict=True))
        for loss in [losses(params, u_mixed, p_mixed)[j] for j in range(LABELLED + UNLABELLED)]
    ]
    torch.testing.assert_close(eq9, -student.lr * torch.stack(eq10), rtol=1e-9, atol=1e-14)

    torch.manual_seed(7)
    step = method.loss(student, batch)
    torch.testing.assert_close(seen[0], eq9, rtol=1e-9, atol=1e-14)
    kept = eq9 < 0
    assert 0 < kept.sum() < len(kept)
    torch.testing.assert_close(step.loss, losses(params, u_mixed, p_mixed)[kept].mean(), rtol=1e-9, atol=0)  # Eq. (1)
    assert torch.equal(step.pseudo.selected, kept[LABELLED:])
    torch.testing.assert_close(step.log["kept"], kept.double().mean())


@pytest.mark.usefixtures("double")
def test_proposition_1_m_steps_give_m_times_the_derivative():
    student, batch = student_of("tf"), batch_of("weak")
    inner, meta, _ = problem(batch, base=False)

    def derivative(m: int) -> Tensor:
        w = torch.zeros(UNLABELLED, requires_grad=True)
        params = dict(student.net.named_parameters())
        for _ in range(m):
            at = params
            here = inner(lambda x, at=at: functional_call(student.net, (at, own_buffers(student.net)), (x,)))
            grads = torch.autograd.grad((w * here.losses).sum(), list(at.values()), create_graph=True)
            params = {name: p - student.lr * g for (name, p), g in zip(at.items(), grads, strict=True)}
        loss = meta(lambda x: functional_call(student.net, (params, own_buffers(student.net)), (x,)))
        return torch.autograd.grad(loss, w)[0]

    found, _ = student.influence(inner, meta)
    assert relative(derivative(1), found) < 1e-9
    assert relative(derivative(3), 3 * found) < 1e-9


def test_a_sample_without_influence_is_dropped():
    weights = method_of("meta_semi").weigh(torch.tensor([-1e-30, 0.0, 1e-30]))
    assert weights.tolist() == [1, 0, 0]  # erratum S2


@pytest.mark.usefixtures("double")
def test_meta_semi_at_constant_weights_is_the_mean_of_the_mixed_losses():
    method, student, batch = method_of("meta_semi"), student_of("tiny"), batch_of("weak")
    method.setup(FACTS, student.net)
    method.weigh = torch.ones_like
    p = student.teacher(batch.u[0]).softmax(-1)
    _, _, u_mixed, p_mixed = mixtures(batch, p, method.beta, seed=7)
    torch.manual_seed(7)
    step = method.loss(student, batch)
    plain = soft_cross_entropy(student.net(u_mixed), p_mixed).mean()
    torch.testing.assert_close(step.loss, plain, rtol=1e-12, atol=0)
    assert step.log["kept"] == 1 and step.pseudo.selected.all()

    method.weigh = torch.zeros_like  # "0 where no sample is kept"
    step = method.loss(student, batch)
    assert step.loss == 0 and not step.pseudo.selected.any()
    assert all((g == 0).all() for g in torch.autograd.grad(step.loss, student.parameters))


@pytest.mark.usefixtures("double")
def test_eq_14_is_the_sum_of_its_terms():
    batch = batch_of("weak")
    both, alone, ict = method_of("meta_semi_ict"), method_of("meta_semi"), method_of("ict")
    students = [student_of("tiny") for _ in range(2)]
    for method in (both, alone, ict):
        method.setup(FACTS, students[0].net)
    for student in students:
        student.step = 20
    torch.manual_seed(7)
    step = both.loss(students[0], batch)
    torch.manual_seed(7)
    first = alone.loss(students[1], batch)
    second = ict.consistency(students[1], batch)
    assert second > 0
    assert torch.equal(step.loss, first.loss + second)
    assert torch.equal(step.log["consistency"], second)
    assert torch.equal(step.pseudo.selected, first.pseudo.selected)


def test_meta_semi_drops_wrong_pseudo_labels(assemble, monkeypatch):
    """On digits, with a teacher that is right about every other one, and without MixUp, which would blend the two."""
    parts: Parts = assemble("method=supervised", "protocol=demo", "protocol.optimizer.lr=0.05", "seed=1")
    for _ in range(20):
        parts.step()
    method = method_of("meta_semi")
    method.setup(parts.task.facts, parts.student.net)
    monkeypatch.setattr(functional, "mixing", lambda beta, like: torch.ones(()))
    loader = Loader(parts.task, method.views, batch=40, ratio=4, seed=0)
    kept, right = [], []
    for _ in range(3):
        batch = loader.next()
        hidden = parts.answers.hidden[batch.j]
        wrong = torch.arange(len(hidden)) % 2
        told = (hidden + wrong * torch.randint(1, 10, hidden.shape)) % 10
        monkeypatch.setattr(parts.student, "teacher", lambda u, told=told: 10 * F.one_hot(told, 10).float())
        pseudo = method.loss(parts.student, batch).pseudo
        assert torch.equal(pseudo.label, told)
        kept.append(pseudo.selected.float())
        right.append(wrong == 0)
    k, r = torch.cat(kept), torch.cat(right)
    assert k[r].mean() > 0.5 > k[~r].mean()
    assert k[r].mean() > k[~r].mean() + 0.2


# --- thresholds


def test_the_gate_is_strict_and_its_surrogate_is_the_paper_s():
    fixmatch = method_of("fixmatch")
    p = torch.tensor([[0.95, 0.05], [0.9501, 0.0499], [0.9499, 0.0501]])
    confidence, tau = p.amax(-1), fixmatch.threshold(p, torch.arange(3))
    assert tau.tolist() == pytest.approx([0.95] * 3)
    assert fixmatch.gate(confidence, tau).tolist() == [0, 1, 0]
    assert fixmatch.pseudo(p, torch.arange(3)).selected.tolist() == [False, True, False]

    meta_t = method_of("meta_t")
    gap = torch.tensor([-1, -0.02, -0.01, 0, 0.01, 0.02, 1], requires_grad=True)
    s = meta_t.gate(gap + 0.5, torch.tensor(0.5))
    by_hand = [1 / (1 + math.exp(-100 * g)) for g in (-1, -0.02, -0.01, 0, 0.01, 0.02, 1)]
    assert s.tolist() == pytest.approx(by_hand, rel=1e-4, abs=1e-12)
    assert s[3] == 0.5 and s[0] < 1e-30 and s[-1] == 1
    (slope,) = torch.autograd.grad(s.sum(), gap)
    assert slope[3] == pytest.approx(100 / 4, rel=1e-4)
    tau = torch.tensor(0.5, requires_grad=True)
    (down,) = torch.autograd.grad(meta_t.gate(torch.tensor(0.5), tau), tau)
    assert down == pytest.approx(-25, rel=1e-4)  # a higher threshold lets fewer in


def by_hand_fixmatch(student: Student, batch: Batch, tau: Tensor) -> Tensor:
    """Eq. (2) written out."""
    weak, strong = batch.u
    p = student.predict(weak).softmax(-1)
    confidence, y_hat = p.max(-1)
    logits = student.net(torch.cat([batch.x, strong]))
    entropy = -logits.log_softmax(-1)
    supervised = entropy[range(LABELLED), batch.y].mean()
    return supervised + ((confidence > tau) * entropy[range(LABELLED, len(entropy)), y_hat]).sum() / UNLABELLED


@pytest.mark.usefixtures("double")
def test_eq_2():
    method, batch = method_of("fixmatch", "tau=0.35"), batch_of("weak", "strong")
    step = method.loss(student_of("tiny"), batch)
    assert 0 < step.pseudo.selected.sum() < UNLABELLED
    wanted = by_hand_fixmatch(student_of("tiny"), batch, torch.tensor(0.35))
    torch.testing.assert_close(step.loss, wanted, rtol=1e-12, atol=0)
    heavier = method_of("fixmatch", "tau=0.35", "lambda_u=3").loss(student_of("tiny"), batch)
    torch.testing.assert_close(heavier.loss - step.loss, 2 * step.log["loss_u"], rtol=1e-9, atol=0)


@pytest.mark.parametrize("unused", [0, 5, 15])
def test_flexmatch_with_equal_counts_is_fixmatch_at_its_curve(unused):
    each, tau = 10, 0.33
    flexmatch, batch = method_of("flexmatch", f"tau={tau}"), batch_of("weak", "strong")
    n = N_CLASSES * each + unused
    flexmatch.setup(FACTS._replace(n_unlabelled=n), nn.Identity())
    memory = [c for c in range(N_CLASSES) for _ in range(each)] + [N_CLASSES] * unused
    flexmatch.memory.copy_(torch.tensor(memory)[torch.randperm(n)])
    beta = each / max(each, unused)
    constant_tau = tau * beta / (2 - beta)
    fixmatch = method_of("fixmatch", f"tau={constant_tau}")
    flexible, fixed = (method.loss(student_of("tiny"), batch) for method in (flexmatch, fixmatch))
    assert torch.equal(flexible.loss, fixed.loss)
    assert torch.equal(flexible.pseudo.selected, fixed.pseudo.selected)
    torch.testing.assert_close(flexible.pseudo.threshold, fixed.pseudo.threshold)
    assert fixed.pseudo.selected.any() and (unused == 15 or not fixed.pseudo.selected.all())


def test_flexmatch_remembers_confident_pseudo_labels():
    method = method_of("flexmatch")
    method.setup(Facts(3, torch.ones(3), 6), nn.Identity())

    def seen(j: list[int], *rows: list[float]) -> None:
        method.observe(SimpleNamespace(), torch.tensor(rows), torch.tensor(j))

    assert method.memory.tolist() == [3] * 6
    seen([0, 1, 4], [0.96, 0.02, 0.02], [0.0, 0.99, 0.01], [0.5, 0.4, 0.1])
    assert method.memory.tolist() == [0, 1, 3, 3, 3, 3]
    assert method.beta.tolist() == [0, 0, 0]  # of what was remembered before
    seen([2, 4, 0], [0.97, 0.03, 0.0], [0.98, 0.01, 0.01], [0.2, 0.8, 0.0])
    assert method.memory.tolist() == [0, 1, 0, 3, 0, 3]  # the latest confident one stays
    again = copy.deepcopy(method)
    p, j = torch.eye(3)[[2, 1, 0, 1]], torch.tensor([5, 5, 1, 1])
    again.observe(SimpleNamespace(), p * 0.9 + 0.03, j)
    assert again.memory.tolist() == [0, 1, 0, 3, 0, 3]  # at 0.93 nobody is confident
    again.observe(SimpleNamespace(), p * torch.tensor([1, 1, 1, 0.9])[:, None], j)
    assert again.memory.tolist() == [0, 0, 0, 3, 0, 1]  # of one input's two the later, if it is confident
    assert method.beta.tolist() == [0.25, 0.25, 0]
    seen([3], [0.1, 0.1, 0.8])
    assert method.beta.tolist() == pytest.approx([1, 1 / 3, 0])
    p = torch.tensor([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.2, 0.3, 0.5]])
    tau = method.threshold(p, torch.arange(3))
    assert tau.tolist() == pytest.approx([0.95, 0.95 * (1 / 3) / (2 - 1 / 3), 0])


def test_dash_s_schedule():
    method = method_of("dash", "warm_up=0.2", "period=0.1", "gamma=2", "C=1.5", "rho_min=0.1")
    method.setup(FACTS, nn.Identity())
    j = torch.arange(2)

    def at(step: int, *confidences: float) -> float:
        p = torch.tensor([[c, 1 - c] for c in confidences])
        method.observe(SimpleNamespace(progress=step / 100), p, j)
        tau = method.threshold(p, j)
        assert tau.tolist() == pytest.approx([math.exp(-method.rho.item())] * len(p))
        return method.rho.item()

    assert at(0, 0.6, 0.9) == 0  # warm-up: tau = 1, nothing is selected
    assert not method.pseudo(torch.tensor([[1.0, 0.0]]), j[:1]).selected.any()
    assert at(9, 0.6, 0.9) == 0  # its first half is not measured
    at(10, 0.6, 0.9), at(19, 0.8, 0.7)
    rho_hat = -sum(map(math.log, (0.6, 0.9, 0.8, 0.7))) / 4
    for step, t in ((20, 1), (29, 1), (31, 2), (39, 2), (41, 3), (51, 4)):
        rho = max(1.5 * 2.0 ** -(t - 1) * rho_hat, 0.1)
        assert at(step, 0.9, 0.9) == pytest.approx(rho), step
    assert at(99, 0.9, 0.9) == pytest.approx(0.1)
    p = torch.tensor([[0.91, 0.09], [0.90, 0.10]])  # H(y_hat, p) < rho on either side of exp(-0.1) = 0.905
    assert method.pseudo(p, j).selected.tolist() == [True, False]


# --- ICT


def test_ict_s_ramp():
    ramp = functional.ramp_up
    assert [ramp(t, 0.25) for t in (0, 0.125, 0.25, 0.9)] == pytest.approx([math.exp(-5), math.exp(-1.25), 1, 1])
    assert ramp(0, 0) == 1


@pytest.mark.usefixtures("double")
def test_ict_by_hand():
    method, student, batch = method_of("ict", "w_max=3", "beta=0.4"), student_of("tiny"), batch_of("weak")
    method.setup(FACTS, student.net)
    with torch.no_grad():
        for p in student.average.parameters():
            p.mul_(1.3)
    student.step = 5  # of 100: a fifth of the ramp
    reference = student_of("tiny").net
    torch.manual_seed(7)
    draw = torch.distributions.Beta(torch.tensor(0.4), torch.tensor(0.4)).sample
    lam, order = draw(), torch.randperm(LABELLED)
    y = torch.eye(N_CLASSES)[batch.y]
    x, y = (lam * v + (1 - lam) * v[order] for v in (batch.x, y))
    supervised = soft_cross_entropy(reference(x), y).mean()
    (u,) = batch.u
    lam, order = draw(), torch.randperm(UNLABELLED)
    z = student.average(u)
    target = (lam * z + (1 - lam) * z[order]).softmax(-1)  # of mixed logits, not a mixture of predictions
    mse = (reference(lam * u + (1 - lam) * u[order]).softmax(-1) - target).square().sum() / (UNLABELLED * N_CLASSES)
    w = 3 * math.exp(-5 * (1 - 5 / 25) ** 2)

    torch.manual_seed(7)
    step = method.loss(student, batch)
    torch.testing.assert_close(step.log["loss_s"], supervised, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.log["loss_u"], w * mse, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.loss, supervised + w * mse, rtol=1e-12, atol=0)


# --- Meta-T


def test_p_bar_is_a_running_mean_of_what_is_predicted_c():
    method = method_of("meta_t", "momentum=0.9")
    method.setup(Facts(3, torch.ones(3), 6), nn.Identity())
    p = torch.tensor([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    method.observe(SimpleNamespace(), p, torch.arange(3))
    third = 1 / 3
    after = [
        [0.9 * third + 0.1 * 0.7, 0.9 * third + 0.1 * 0.2, 0.9 * third + 0.1 * 0.1],
        [0.9 * third + 0.1 * 0.2, 0.9 * third + 0.1 * 0.7, 0.9 * third + 0.1 * 0.1],
        [third, third, third],  # nobody was predicted class 2
    ]
    torch.testing.assert_close(method.p_bar, torch.tensor(after))
    before = method.p_bar.clone()
    method.pseudo(p, torch.arange(3))  # asking for thresholds is not observing
    assert torch.equal(method.p_bar, before)
    method.observe(SimpleNamespace(), p[:1], torch.arange(1))
    torch.testing.assert_close(method.p_bar[0], 0.9 * before[0] + 0.1 * p[0])
    assert torch.equal(method.p_bar[1:], before[1:])


def test_the_tgn_sees_the_prediction_and_its_class_s_mean():
    method = method_of("meta_t")
    method.setup(Facts(3, torch.ones(3), 6), nn.Identity())
    method.p_bar.copy_(torch.rand(3, 3))
    p = torch.randn(5, 3).softmax(-1)
    inputs: list[Tensor] = []
    method.tgn.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    tau = method.threshold(p, torch.arange(5))
    assert tau.shape == (5,) and ((tau > 0) & (tau < 1)).all()
    rows = [torch.cat([row, method.p_bar[row.argmax()]]) for row in p]
    assert torch.equal(inputs[0], torch.stack(rows))
    shapes = [tuple(w.shape) for w in method.tgn.parameters()]
    assert shapes == [(100, 6), (100,), (1, 100), (1,)]  # {2C, 100, 1}


def test_the_update_uses_the_thresholds_just_learned():
    """Eq. (10): w descends with the new Theta."""
    method, student, batch = method_of("meta_t", "slope=5"), student_of("tiny"), batch_of("weak", "strong")
    method.setup(FACTS, student.net)
    for group in method.optimizer.param_groups:
        group["lr"] = 0.1
    method.lr = 0.1
    old = method.threshold(student_of("tiny").predict(batch.u[0]).softmax(-1), batch.j)
    step = method.loss(student, batch)
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    new = method.threshold(p, batch.j)
    torch.testing.assert_close(step.pseudo.threshold, new)
    assert (new - old).abs().min() > 1e-3
    logits = student_of("tiny").net(torch.cat([batch.x, batch.u[1]]))
    s = torch.sigmoid(5 * (p.amax(-1) - new))
    wanted = (
        F.cross_entropy(logits[:LABELLED], batch.y)
        + (s * F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")).mean()
    )
    torch.testing.assert_close(step.loss, wanted)


def prepared(update: str) -> tuple[Method, Student, Batch]:
    method, student, batch = (
        method_of("meta_t", "slope=5", f"update={update}"),
        student_of("tiny"),
        batch_of("weak", "strong"),
    )
    method.setup(FACTS, student.net)
    return method, student, batch


@pytest.mark.parametrize("engine", ["forward", "finite_difference", "higher"])
@pytest.mark.usefixtures("double")
def test_the_lagged_update_descends_the_look_ahead_s_objective(engine):
    method, student, batch = prepared("lagged")
    student.engine = ENGINES[engine]
    p = student_of("tiny").predict(batch.u[0]).softmax(-1)
    plain = student_of("tiny")
    method.p_bar.copy_(torch.rand(N_CLASSES, N_CLASSES))
    same = copy.deepcopy(method)
    same.observe(plain, p, batch.j)
    before = same.threshold(p, batch.j).detach()
    logits = plain.net(torch.cat([batch.x, batch.u[1]]))
    s = torch.sigmoid(5 * (p.amax(-1) - before))
    wanted = (
        F.cross_entropy(logits[:LABELLED], batch.y)
        + (s * F.cross_entropy(logits[LABELLED:], p.argmax(-1), reduction="none")).mean()
    )
    step = method.loss(student, batch)
    torch.testing.assert_close(step.pseudo.threshold, before, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.loss, wanted, rtol=1e-12, atol=0)
    found = torch.autograd.grad(2 * step.loss + 1, student.parameters)
    for a, b in zip(found, torch.autograd.grad(2 * wanted, plain.parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)
    after = method.threshold(p, batch.j)
    assert (after - before).abs().min() > 0  # and yet the thresholds have learned


@pytest.mark.usefixtures("double")
def test_the_lagged_update_learns_the_thresholds_as_the_exact_one():
    thetas = []
    for update in ("exact", "lagged"):
        torch.manual_seed(4)
        method, student, batch = prepared(update)
        method.loss(student, batch)
        thetas.append([p.detach().clone() for p in method.tgn.parameters()])
    assert equal(*thetas)


@pytest.mark.parametrize(("update", "passes"), [("exact", 3), ("lagged", 2)])
def test_the_lagged_update_saves_a_backward_pass(update, passes):
    method, student, batch = prepared(update)
    calls: list[Tensor] = []
    student.net.register_forward_hook(
        lambda net, args, out: out.register_hook(calls.append) and None if out.requires_grad else None
    )
    for step in range(1, 3):
        student.descend(method.loss(student, batch).loss)
        assert len(calls) == step * passes


def test_the_lagged_update_trains_and_differs_from_the_exact_one(assemble):
    _, _, exact = trail("meta_t", assemble, "slope=5")
    steps, thetas, parts = trail("meta_t", assemble, "slope=5", "update=lagged")
    assert not equal(exact.student.parameters, parts.student.parameters)
    assert all(not equal(a, b) for a, b in pairwise(thetas))
    assert all(step.loss.isfinite() and "meta_gradient" in step.log for step in steps)
    green, _, green_parts = trail("green_meta_t", assemble, "k=1", "slope=5", "update=lagged")
    assert all(torch.equal(a.loss, b.loss) for a, b in zip(steps, green, strict=True))
    assert equal(parts.student.parameters, green_parts.student.parameters)
    _, every_second, _ = trail("green_meta_t", assemble, "k=2", "slope=5", "update=lagged")
    assert [not equal(a, b) for a, b in pairwise(every_second)] == [t % 2 == 0 for t in range(6)]


def trail(name: str, assemble: Callable[..., Parts], *numbers: str) -> tuple[list[Step], list[list[Tensor]], Parts]:
    """Six steps on digits: what they gave, the TGN after each, and the parts in the end."""
    parts = assemble(f"method={name}", "scale=smoke", *(f"method.{number}" for number in numbers))
    steps, thetas = [], []
    for _ in range(6):
        thetas.append([p.detach().clone() for p in parts.method.tgn.parameters()])
        steps.append(parts.step())
    thetas.append([p.detach().clone() for p in parts.method.tgn.parameters()])
    return steps, thetas, parts


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_green_meta_t_at_k_1_is_meta_t_bit_for_bit(assemble):
    steps, thetas, parts = trail("meta_t", assemble)
    green, green_thetas, green_parts = trail("green_meta_t", assemble, "k=1")
    assert all(torch.equal(a.loss, b.loss) for a, b in zip(steps, green, strict=True))
    assert all(equal(a, b) for a, b in zip(thetas, green_thetas, strict=True))
    assert equal(parts.student.parameters, green_parts.student.parameters)
    assert equal(list(parts.student.average.parameters()), list(green_parts.student.average.parameters()))
    assert torch.equal(parts.method.p_bar, green_parts.method.p_bar)


@pytest.mark.parametrize("k", [2, 3])
def test_green_meta_t_learns_thresholds_on_every_kth_step_only(k, assemble):
    steps, thetas, parts = trail("green_meta_t", assemble, f"k={k}", "slope=5")
    learned = [not equal(a, b) for a, b in pairwise(thetas)]
    assert learned == [t % k == 0 for t in range(6)]
    assert [("meta_gradient" in step.log) for step in steps] == learned
    assert all(not torch.isnan(step.pseudo.threshold).any() for step in steps)  # thresholds apply on every step
    assert not torch.equal(parts.method.p_bar, torch.full((10, 10), 0.1))


@pytest.mark.parametrize("truth", [(0, 1, 2), (1, 2, 0), (1, 1, 2)], ids=["right", "wrong", "class 0 wrong"])
def test_learned_thresholds_keep_harmful_pseudo_labels_out(truth):
    """Weak views of class 0, 1, 2 with strong views of class `truth`: where they differ, learning them hurts."""
    torch.manual_seed(0)
    centre = 2 * torch.eye(3, 6)
    y, seen = torch.arange(3).repeat(4), torch.tensor(truth).repeat(4)
    wrong = seen != y

    def views(classes: Tensor) -> Tensor:
        return centre[classes] + 0.3 * torch.randn(len(classes), 6)

    student = Student(
        nn.Linear(6, 3), optimizer=partial(torch.optim.SGD, lr=0.1), schedule=constant, decay=0.9, steps=1000
    )
    for _ in range(20):
        student.descend(F.cross_entropy(student.net(views(y)), y))
    method = method_of("meta_t", "slope=5")
    method.setup(Facts(3, torch.full((3,), 4), 12), student.net)
    p = student.predict(views(y)).softmax(-1)
    assert torch.equal(p.argmax(-1), y)

    def inner(net: Net) -> Inner:
        return Inner(F.cross_entropy(net(views(seen)), y, reduction="none") / 12)

    influence, _ = student.influence(inner, lambda net: F.cross_entropy(net(views(y)), y), torch.zeros(12))
    assert torch.equal(influence > 0, wrong)

    before = method.threshold(p, torch.arange(12)).detach()
    for _ in range(10):
        method.loss(student, Batch(views(y), y, torch.arange(12), (views(y), views(seen)), torch.arange(12)))
    rise = method.threshold(p, torch.arange(12)).detach() - before
    if wrong.all() or not wrong.any():
        assert torch.equal(rise > 0, wrong)
    else:  # one network serves all classes: the harmful one's thresholds rise most
        assert rise[wrong].min() > rise[~wrong].max()
