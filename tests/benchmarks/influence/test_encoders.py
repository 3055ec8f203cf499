"""The rules that encoders need, and influence through a whole encoder."""

import weakref
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from carried import carried
from models import LABELLED, N_CLASSES, UNLABELLED, relative
from problems import problem, unrolled
from torch import Tensor

from benchmarks.influence import tape
from benchmarks.influence.encoders import NOTED, RULES
from benchmarks.training.schedules import constant
from benchmarks.training.student import Student
from methods.base import Batch

RULED: dict[str, Callable[[dict[str, Tensor], Tensor], Tensor]] = {
    "linear": lambda p, x: F.linear((x @ p["v"]).tanh()[None], p["w"], p["b"]),
    "linear without bias": lambda p, x: F.linear((x @ p["v"]).tanh(), p["w"]),
    "linear of a constant": lambda p, x: F.linear(x, p["w"], p["b"]),
    "a weight that is constant": lambda p, x: F.linear((x @ p["v"]).tanh(), x, p["b"]),
    "a bias alone": lambda p, x: F.linear(x[None], x, p["b"]).sin(),
    "products of batches": lambda p, x: torch.matmul((x @ p["w"]).view(2, 2, 4), (x @ p["v"]).view(2, 4, 2)),
    "products with a constant": lambda p, x: (x @ p["w"]).matmul(x) @ x[0],
    "layer norm": lambda p, x: F.layer_norm(x @ p["w"], (4,), p["v"][0], p["b"], 1e-3),
    "layer norm, a default": lambda p, x: F.layer_norm(x @ p["w"], (4,), p["v"][0], p["b"]),
    "layer norm, a gain alone": lambda p, x: F.layer_norm(x @ p["w"], (4,), p["b"]),
    "layer norm, neither": lambda p, x: F.layer_norm(x @ p["w"], (4,)),
    "layer norm of a constant": lambda p, x: F.layer_norm(x, (4,), p["v"][0], p["b"]),
    "layer norm of two dimensions": lambda p, x: F.layer_norm((x @ p["w"])[None], (4, 4), p["v"], None, 1e-3),
    "layer norm with names": lambda p, x: F.layer_norm(x @ p["w"], (4,), weight=p["b"], eps=0.1),
    "gelu": lambda p, x: F.gelu(x @ p["w"]),
    "gelu, another": lambda p, x: F.gelu(x @ p["w"], approximate="tanh"),
    "dropout": lambda p, x: F.dropout(x @ p["w"], 0.4) @ p["v"],
    "dropout with names": lambda p, x: F.dropout(x @ p["w"], p=0.4, training=True).sin(),
    "dropout of nothing": lambda p, x: F.dropout(x @ p["w"], 0.0, training=True).sin(),
    "attention": lambda p, x: F.dropout((x @ p["w"] @ (x @ p["v"]).mT / 2).softmax(-1), 0.3) @ x,
}


@pytest.mark.parametrize("name", RULED)
@pytest.mark.usefixtures("double")
def test_a_rule_is_forward_mode(name):
    found, wanted = carried(RULED[name])
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("double")
def test_the_rules_are_used(monkeypatch):
    def refuse(op, tangents):
        assert op.function not in RULES | NOTED
        return push_any(op, tangents)

    push_any = tape._push_any
    monkeypatch.setattr(tape, "_push_any", refuse)
    for name in ("linear", "products of batches", "layer norm", "gelu", "dropout", "attention"):
        carried(RULED[name])


def test_the_tape_keeps_dropout_s_mask_and_not_its_input():
    x, w = torch.randn(4, 4), torch.nn.Parameter(torch.randn(4, 4))
    with tape.Tape() as own:
        h = x @ w
        seen = weakref.ref(h)
        torch.manual_seed(0)
        out = F.dropout(h, 0.5)
        del h
    assert seen() is None
    torch.testing.assert_close(own.tangent({w: x}, out), (x @ x) * (out != 0) * 2)


def student_of(engine: str, dropout: float = 0.0, frozen: int = 0) -> Student:
    pytest.importorskip("transformers", reason="texts need the packages of requirements-text.txt")
    from benchmarks.nets.encoder import Encoder

    torch.manual_seed(1)
    sizes = {"hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 20}
    net = Encoder(
        vocabulary=30, pad=0, digest="", length=9, n_classes=N_CLASSES, source=None, shape=sizes, dropout=dropout,
        frozen=frozen, layer_decay=1.0, buckets=2,
    )  # fmt: skip
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p), alpha=0.2)
    optimizer = partial(torch.optim.AdamW, lr=0.1)
    return Student(net, optimizer=optimizer, schedule=constant, decay=0.0, steps=100, engine=engine)


def batch() -> Batch:
    """Texts of many lengths, padded to one."""
    torch.manual_seed(2)

    def texts(n: int) -> Tensor:
        tokens = torch.randint(1, 30, (n, 9), dtype=torch.int32)
        return tokens * (torch.arange(9) < torch.randint(2, 10, (n, 1)))

    y = torch.randint(N_CLASSES, (LABELLED,))
    return Batch(texts(LABELLED), y, torch.arange(LABELLED), (texts(UNLABELLED),), torch.arange(UNLABELLED))


@pytest.mark.parametrize("frozen", [0, 2])
@pytest.mark.parametrize("base", [True, False], ids=["base", "zero"])
@pytest.mark.usefixtures("double")
def test_influence_through_an_encoder_is_that_of_higher(base, frozen):
    inner, meta, s = problem(batch(), base)
    engines = ("forward", "higher", "finite_difference")
    found, reference, near = (student_of(engine, frozen=frozen).influence(inner, meta, s)[0] for engine in engines)
    assert reference.abs().min() > 0
    assert relative(found, reference) < 1e-8
    assert relative(near, reference) < 1e-3


@pytest.mark.usefixtures("double")
def test_influence_knows_the_masks_that_dropout_drew():
    student = student_of("forward", dropout=0.3)
    inner, meta, s = problem(batch(), base=True)
    torch.manual_seed(5)
    wanted = unrolled(student, inner, meta, s)
    drawn = torch.get_rng_state()
    torch.manual_seed(5)
    found, _ = student.influence(inner, meta, s)
    assert relative(found, wanted) < 1e-9
    assert torch.equal(torch.get_rng_state(), drawn)
    torch.manual_seed(6)
    assert relative(student.influence(inner, meta, s)[0], wanted) > 0.01  # other masks, other numbers
