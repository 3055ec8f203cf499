"""cRT: its two stages, what stays and what is new in the second."""

import pytest
import torch
from contract import stop_after
from outcomes import outcome
from stages import spied
from toy import B, H, ToyNet, batch_of, logits, same, softmax, student_of

from benchmarks import run
from benchmarks.config import compose
from benchmarks.training.trainer import Trainer
from methods.crt import CRT

SMOKE = ["method=crt", "scale=smoke", "steps=8", "protocol.eval_every=2", "protocol.optimizer.lr=0.5"]


def test_equation():
    m, student, batch = CRT(retraining=0.5), student_of(ToyNet()), batch_of(0)
    step = m.loss(student, batch)
    assert step.loss.item() == pytest.approx(H(batch.y, softmax(logits(student.net, batch.x))), abs=1e-6)
    assert len(batch.x) == B and m.views == ()


def test_the_second_stage_learns_a_new_classifier_on_the_features_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    stages = spied(monkeypatch)
    run.execute(compose(SMOKE))
    first, second = stages
    assert [s.student.steps for s in stages] == [4, 4]
    for net in (second.student.net, second.student.average):
        average = first.student.average.features
        assert same(list(net.features.state_dict().values()), list(average.state_dict().values()))
    assert not second.training and first.training
    assert second.student.parameters == list(second.student.net.classifier.parameters())
    for name in ("classifier.weight", "classifier.bias"):
        assert torch.equal(second.before[name], first.before[name])
        assert not torch.equal(second.student.net.state_dict()[name], second.before[name])
        assert not torch.equal(first.student.net.state_dict()[name], first.before[name])
    assert [s.task.balanced for s in stages] == [False, True]
    assert all(s.student.average.classifier.weight.requires_grad is False for s in stages)


def test_balanced_batches_of_a_tail(assemble):
    parts = assemble(*SMOKE, "task.imbalance={n1:30,m1:60,gamma_l:20,gamma_u:20}", "task.subset=null")
    assert parts.task.facts.class_counts.tolist()[::9] == [30, 1]
    parts.task = parts.task.with_balance()
    trainer = Trainer(**dict.fromkeys(("run", "make_student", "hidden", "grade"), None), task=parts.task, steps=8,
                      batch=4, ratio=2, eval_every=2, seed=0)  # fmt: skip
    loader = trainer.loader(parts.method, parts.task, 0)
    drawn = torch.cat([loader.next().y for _ in range(75)])  # one round: each class as often as the first has inputs
    assert torch.bincount(drawn).tolist() == [30] * 10


@pytest.mark.parametrize("steps", [1, 4, 5, 7])
def test_stopped_within_a_stage_or_between_two_it_ends_in_the_same_bits(steps, tmp_path, monkeypatch):
    cfg = compose(SMOKE)
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    with pytest.raises(KeyboardInterrupt):
        run.execute(cfg, stop=stop_after(steps))
    stages = spied(monkeypatch)
    assert outcome(run.execute(cfg)) == whole
    assert len(stages) == 2
