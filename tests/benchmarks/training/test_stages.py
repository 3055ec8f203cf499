"""Stages of `Method.fit`: shares of the steps, other tasks, frozen parameters, and what a stage is resumed to."""

import copy
import functools
import inspect

import pytest
import torch
from outcomes import outcome, stopped
from torch import nn

from benchmarks import run as runs
from benchmarks.config import compose
from benchmarks.run import execute
from methods.fixmatch import FixMatch

pytestmark = pytest.mark.usefixtures("store")
SEEN: dict[str, object] = {}


class Decoupled(FixMatch):
    """All is trained; then the features stand still and a new classifier learns from balanced batches."""

    def fit(self, trainer, net):
        first = trainer.train(self, net, share=0.5)
        SEEN["features"] = copy.deepcopy(first.net.features.state_dict())
        second = copy.deepcopy(first.net)
        second.features.requires_grad_(False).eval()
        second.classifier = nn.Linear(second.feature_dim, trainer.task.n_classes)
        student = trainer.train(self, second, task=trainer.task.with_balance(), share=0.5, schedule=lambda t: 1 - t)
        SEEN["net"] = student.net
        return student


class Generations(FixMatch):
    """What the first student is surest of joins the labelled inputs of a second one, made anew."""

    def fit(self, trainer, net):
        start = copy.deepcopy(net)
        p = trainer.predict(trainer.train(self, net, share=1 / 3))
        j = p.amax(-1).topk(5).indices
        SEEN["task"] = task = trainer.task.with_labels(j, p[j].argmax(-1))
        return trainer.train(self, start, task=task, share=2 / 3)


def of(kind, *more):
    return compose(["scale=smoke", "steps=6", "protocol.eval_every=2", f"method._target_={__name__}.{kind}", *more])


@pytest.mark.parametrize("kind", ["Decoupled", "Generations"])
def test_killed_within_and_between_stages_a_run_ends_in_the_same_bits(kind, tmp_path, monkeypatch):
    cfg = of(kind)
    with monkeypatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path / "peace"))
        reference = outcome(execute(cfg))
    assert reference[0][-1]["step"] == 6  # the stages share the steps
    boundary = 3 if kind == "Decoupled" else 2
    for after in (1, boundary, boundary + 1):  # in the first stage, at its end, in the second
        with monkeypatch.context() as patch:
            patch.setenv("SSL_RUNS", str(tmp_path / str(after)))
            run = stopped(cfg, after)
            assert (run / "checkpoint.stage1.pt").exists() == (after > boundary)
            rows = []
            assert outcome(execute(cfg, rows.append)) == reference
            assert all(row["step"] > after for row in rows)  # a finished stage is loaded and not run again


def test_frozen_parameters_stand_still():
    execute(of("Decoupled", "protocol.optimizer.lr=0.5"))
    net = SEEN["net"]
    assert all(torch.equal(value, SEEN["features"][name]) for name, value in net.features.state_dict().items())
    assert all(p.requires_grad for p in net.classifier.parameters())


def test_tasks_are_made_and_never_changed(assemble):
    task = assemble("scale=smoke").task
    before = len(task.labelled.x), task.labelled.y.clone(), task.balanced
    j, y = torch.tensor([3, 1]), torch.tensor([9, 9])
    more = task.with_labels(j, y).with_balance()
    assert (len(task.labelled.x), task.balanced) == (before[0], before[2]) and torch.equal(task.labelled.y, before[1])
    assert len(more.labelled.x) == before[0] + 2 and more.labelled.y[-2:].tolist() == [9, 9] and more.balanced
    plain, none = ("plain",), torch.Generator()
    (added,) = more.labelled.x.views(plain, torch.tensor([before[0], before[0] + 1]), none)
    assert torch.equal(added, task.unlabelled.views(plain, j, none)[0])


@pytest.mark.parametrize("shares", [(0.5, 0.4), (0.6, 0.6), (1.0, 0.5)])
def test_shares_sum_to_one(shares, monkeypatch):
    class Wrong(FixMatch):
        def fit(self, trainer, net):
            return [trainer.train(self, net, share=share) for share in shares][-1]

    monkeypatch.setattr(f"{__name__}.Decoupled", Wrong)
    with pytest.raises(ValueError, match="shares are to sum to 1"):
        execute(of("Decoupled"))


def test_the_second_stage_draws_another_order(monkeypatch):
    class Twice(FixMatch):
        def fit(self, trainer, net):
            trainer.train(self, net, share=0.5)
            return trainer.train(self, net, share=0.5)

    drawn = []
    loss = FixMatch.loss

    def noted(self, student, batch):
        drawn.append(batch.j)
        return loss(self, student, batch)

    monkeypatch.setattr(FixMatch, "loss", noted)
    monkeypatch.setattr(f"{__name__}.Decoupled", Twice)
    execute(of("Decoupled"))
    assert len(drawn) == 6 and not torch.equal(torch.stack(drawn[:3]), torch.stack(drawn[3:]))


def reachable(root):
    """All tensors' storages that attributes, containers, bound methods and partials lead to."""
    seen, stack, found = set(), [root], set()
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type):
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            found.add(value.untyped_storage().data_ptr())
        elif isinstance(value, dict):
            stack += [*value.keys(), *value.values()]
        elif isinstance(value, tuple | list | set):
            stack += value
        elif inspect.ismethod(value):
            stack.append(value.__self__)
        elif isinstance(value, functools.partial):
            stack += [value.func, *value.args, *value.keywords.values()]
        if hasattr(value, "__dict__") and not inspect.isfunction(value) and not inspect.ismodule(value):
            stack += vars(value).values()
    return found


def test_what_fit_gets_leads_to_no_answer(monkeypatch):
    class Curious(FixMatch):
        def fit(self, trainer, net):
            SEEN["reached"] = reachable(trainer)
            return trainer.train(self, net)

    secrets = {}

    def spy(cfg):
        parts = runs_assemble(cfg)
        a = parts.answers
        tensors = {"hidden": a.hidden, "index": a.index, "test": a.test.x.pixels, "classes": a.test.y}
        secrets.update({name: tensor.untyped_storage().data_ptr() for name, tensor in tensors.items()})
        secrets["task"] = parts.task.unlabelled.pixels.untyped_storage().data_ptr()
        return parts

    runs_assemble = runs.assemble
    monkeypatch.setattr(runs, "assemble", spy)
    monkeypatch.setattr(f"{__name__}.Decoupled", Curious)
    execute(of("Decoupled", "task.include_labelled=false"))
    assert secrets.pop("task") in SEEN["reached"]  # the search does find things
    assert len(secrets) == 4 and not SEEN["reached"] & set(secrets.values())
