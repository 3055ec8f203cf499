"""CReST: its rates, whose labels it adds, its generations; CReST+: its alignment."""

import copy
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from contract import confident, stop_after
from outcomes import outcome
from stages import spied
from toy import FACTS, C, ToyNet, batch_of, logits, softmax, student_of

from benchmarks import run
from benchmarks.config import compose
from benchmarks.training.evaluation import predict
from benchmarks.training.trainer import Trainer
from methods.crest import CReST, CReSTPlus

NUMBERS: dict[str, Any] = {
    "generations": 3, "alpha": 1 / 3, "tau": 0.45, "lambda_u": 2.0, "batch_norm": "joint"
}  # fmt: skip
SMOKE = ["scale=smoke", "steps=9", "method.generations=3", "protocol.eval_every=2", "protocol.optimizer.lr=0.5",
         "task.imbalance={n1:30,m1:60,gamma_l:20,gamma_u:20}", "task.subset=null"]  # fmt: skip
every_crest = pytest.mark.parametrize("name", ["crest", "crest_plus"])


def plus(progress: float, window: int = 2) -> CReSTPlus:
    m = CReSTPlus(**NUMBERS, t_min=0.5, window=window)
    m.setup(FACTS, ToyNet())
    m.begin(progress, FACTS, ToyNet())
    return m


def crossed(target: np.ndarray, q: np.ndarray) -> np.ndarray:
    return -(target * np.log(q)).sum(-1)


def loss_of(batch: Any, net: Any, q: np.ndarray) -> float:
    """One pass over all rows; strong views learn q where it is sure."""
    f = softmax(logits(net, torch.cat([batch.x, *batch.u])))
    x, _, strong = np.split(f, [len(batch.x), len(batch.x) + len(batch.j)])
    mask = q.max(-1) > 0.45
    assert mask.any()
    return crossed(np.eye(C)[batch.y], x).mean() + 2 * (mask * crossed(q, strong)).mean()


def weak(batch: Any, net: Any) -> np.ndarray:
    rows = softmax(logits(net, torch.cat([batch.x, *batch.u])))
    return rows[len(batch.x) : len(batch.x) + len(batch.j)]


def test_equation():
    m, net, batch = CReST(**NUMBERS), ToyNet(), batch_of(2)
    m.setup(FACTS, net)
    student = student_of(net)
    expected = loss_of(batch, net, weak(batch, net))
    assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("progress", "t"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
def test_equation_of_the_alignment(progress, t):
    m, net = plus(progress), ToyNet()
    student, said = student_of(net), [np.full(C, 1 / C)] * 2
    for seed in range(4):
        batch = batch_of(2, seed=seed)
        p = weak(batch, net)
        said.append(p.mean(0))
        q = p * np.array([3, 2, 1]) ** t / np.mean(said[-2:], 0)
        q /= q.sum(-1, keepdims=True)
        expected = loss_of(batch, net, q)
        assert m.loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


def test_a_generation_begins_with_an_empty_window():
    m = plus(0.0, window=3)
    m.align.observe(torch.tensor([[0.9, 0.1, 0.0]]))
    m.begin(1.0, FACTS, ToyNet())
    assert torch.equal(m.align.window, torch.full((3, C), 1 / C)) and m.align.position == 0


def test_rates():
    m = CReST(**NUMBERS | {"generations": 2})
    counts = torch.tensor([1500, 899, 539, 323, 193, 116, 69, 41, 25, 15])
    n = counts.tolist()
    assert m.rates(counts) == pytest.approx([(n[9 - c] / n[0]) ** (1 / 3) for c in range(10)])
    assert m.rates(counts)[9] == 1 and m.rates(counts)[0] == pytest.approx(0.01 ** (1 / 3))
    assert m.rates(torch.tensor([2, 8, 4])) == pytest.approx([1, 0.25 ** (1 / 3), 0.5 ** (1 / 3)])  # in any order
    assert m.rates(torch.full((4,), 7)) == [1] * 4


def test_the_surest_of_each_class_are_chosen_and_labelled_inputs_are_not():
    m = CReST(**NUMBERS | {"alpha": 1.0})
    counts = torch.tensor([4, 2, 1])  # rates 1/4, 1/2, 1
    label = torch.tensor([0] * 9 + [1] * 5 + [2] * 3)
    confidence = torch.linspace(0.5, 0.9, 17)[torch.randperm(17)]
    p = torch.full((17, C), 0.01)
    p[torch.arange(17), label] = confidence
    free = torch.ones(17, dtype=torch.bool)
    free[confidence[:9].argmax()] = False
    free[16] = False
    j, y = m.choose(p, free, counts)
    assert Counter(y.tolist()) == {0: 2, 1: 2, 2: 2}  # int(8/4), int(5/2), 2
    for c in range(C):
        own = [k for k in range(17) if label[k] == c and free[k]]
        surest = sorted(own, key=lambda k: -confidence[k])
        assert j[y == c].tolist() == surest[: int((y == c).sum())]


def test_a_class_that_is_not_predicted_gets_nothing():
    m = CReST(**NUMBERS)
    j, y = m.choose(torch.tensor([[0.9, 0.1, 0.0]] * 2), torch.tensor([True, False]), FACTS.class_counts)
    assert (j.tolist(), y.tolist()) == ([], [])  # int(0.69 * 1)


@every_crest
def test_generations(name, tmp_path, monkeypatch):
    """New nets, the labels proper and the pseudo-labels of the generation before, in equal shares."""
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    stages = spied(monkeypatch)
    run.execute(compose([f"method={name}", *SMOKE]))
    assert [s.student.steps for s in stages] == [3, 3, 3]
    first = stages[0]
    labelled = len(first.task.labelled.y)
    assert (~first.task.free).sum() == labelled
    added = []
    for before, stage in pairwise(stages):
        assert all(torch.equal(a, b) for a, b in zip(stage.before.values(), first.before.values(), strict=True))
        p = predict(before.student.graded, first.task.unlabelled)
        m = CReST(**NUMBERS)
        j, y = m.choose(p, first.task.free, first.task.facts.class_counts)
        assert len(stage.task.labelled.y) == labelled + len(j) > labelled
        assert torch.equal(stage.task.labelled.y[:labelled], first.task.labelled.y)
        assert torch.equal(stage.task.labelled.y[labelled:], y)
        assert torch.equal(stage.task.labelled.x.pixels[labelled:], first.task.unlabelled.pixels[j])
        assert torch.equal(stage.task.unlabelled.pixels, first.task.unlabelled.pixels)
        assert not (stage.task.free & ~first.task.free).any()
        assert (~stage.task.free).sum() == labelled + len(j)
        added.append(set(j.tolist()))
    assert added[0] != added[1]  # chosen anew


def test_one_generation_is_one_stage(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    stages = spied(monkeypatch)
    run.execute(compose(["method=crest_plus", *SMOKE, "method.generations=1"]))
    assert [s.share for s in stages] == [1]


@every_crest
@pytest.mark.parametrize("steps", [2, 3, 4, 6, 8])
def test_stopped_within_a_stage_or_between_two_it_ends_in_the_same_bits(name, steps, tmp_path, monkeypatch):
    cfg = compose([f"method={name}", *SMOKE])
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    with pytest.raises(KeyboardInterrupt):
        run.execute(cfg, stop=stop_after(steps))
    assert outcome(run.execute(cfg)) == whole


def test_killed_where_a_stage_is_finished_and_the_next_has_no_checkpoint(tmp_path, monkeypatch):
    """No signal, no farewell: after the first stage's last checkpoint, before the second's first."""
    cfg = compose(["method=crest", *SMOKE])
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    with monkeypatch.context() as patch:

        def killed(self: Trainer, student: Any) -> Any:
            raise SystemExit

        patch.setattr(Trainer, "predict", killed)
        with pytest.raises(SystemExit):
            run.execute(cfg)
    assert outcome(run.execute(cfg)) == whole


def test_a_net_that_is_sure_adds_all_of_the_rarest_class(assemble):
    parts = assemble("method=crest", *SMOKE)
    net = copy.deepcopy(parts.student.net)
    confident(net)
    p = predict(net.eval(), parts.task.unlabelled)
    p[:, 9] = 2.0
    j, y = parts.method.choose(p, parts.task.free, parts.task.facts.class_counts)
    assert len(j) == parts.task.free.sum() and (y == 9).all()
