"""The contract on texts, with a tiny encoder at random: methods know nothing of the kind of input."""

from pathlib import Path

import pytest
import torch
import toy_texts as toy
from contract import midway, same, state, stop_after, tensors
from outcomes import outcome
from transcript import Transcripts

from benchmarks import run
from benchmarks.config import compose
from benchmarks.errors import UserError
from benchmarks.predict import load
from benchmarks.training.replay import Replay

METHODS = (
    *("supervised", "fixmatch", "flexmatch", "soft_match", "uda", "pseudo_labeling", "mean_teacher", "free_match"),
    *("dash", "pi_model", "meta_t", "green_meta_t", "meta_t_lagged", "meta_semi_no_mixup", "temporal_ensembling"),
)
MIXING = ("meta_semi", "meta_semi_ict", "l2rw", "ict", "mixmatch", "remixmatch", "vat", "supervised_mixup")
every = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(autouse=True)
def _texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    toy.write(tmp_path / "data")


def smoke(name: str) -> list[str]:
    return [f"method={name}", "scale=smoke", *toy.TASK, *toy.NET]


@every
def test_a_step_is_finite_and_reaches_every_parameter(name, assemble):
    parts = midway(assemble(*smoke(name)))
    step = parts.method.loss(parts.student, parts.loader.next())
    gradients = torch.autograd.grad(step.loss, parts.student.parameters, allow_unused=True)
    assert torch.isfinite(step.loss) and all(torch.isfinite(value) for value in step.log.values())
    assert all(g is not None and g.abs().sum() > 0 for g in gradients)


@pytest.mark.parametrize("name", ["fixmatch", "meta_t"])
def test_a_step_in_half_precision_is_near_the_full_one(name, assemble):
    found = []
    for precision in ("float32", "bfloat16"):
        parts = assemble(*smoke(name), "backbone.dropout=0", f"precision={precision}")
        found.append([parts.step().loss.item() for _ in range(2)])
    assert found[1] == pytest.approx(found[0], rel=0.02) and found[0] != found[1]


@every
def test_hidden_labels_cannot_be_reached(name, assemble):
    parts = assemble(*smoke(name), "task.include_labelled=false")
    words = {t.untyped_storage().data_ptr() for t in tensors(parts.task.unlabelled.words)}
    secret = {t.untyped_storage().data_ptr() for t in tensors(parts.answers)} - words
    assert parts.answers.hidden.untyped_storage().data_ptr() in secret and len(secret) == 5
    batch = parts.loader.next()
    parts.method.loss(parts.student, batch)
    sight = list(tensors([parts.method, parts.student, batch, parts.task, parts.task.facts]))
    assert any(t is parts.task.unlabelled.tokens for t in sight)  # the search does find things
    assert not any(t.untyped_storage().data_ptr() in secret for t in sight)
    assert not any(t.shape == parts.answers.hidden.shape and torch.equal(t, parts.answers.hidden) for t in sight)


@every
def test_stop_and_resume_equals_uninterrupted(name, tmp_path, monkeypatch):
    cfg = compose([*smoke(name), "steps=4", "protocol.eval_every=3", "task.augment.strong=words"])
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    with pytest.raises(KeyboardInterrupt, match="with a checkpoint"):
        run.execute(cfg, stop=stop_after(2))
    assert outcome(run.execute(cfg)) == whole


@every
def test_a_replayed_step_is_an_eager_one(name, assemble):
    ends = []
    for warm_up in (1, 99):
        parts = assemble(*smoke(name), "steps=8", "protocol.average=0", "backbone.buckets=0", "backbone.dropout=0")
        take = Replay(parts.student, parts.method, Transcripts(), warm_up=warm_up)
        losses = [take(parts.loader.next()).loss.detach().clone() for _ in range(8)]
        ends.append([*losses, *state(parts)])
    assert same(*ends)


@pytest.mark.parametrize("name", MIXING)
def test_mixing_texts_is_refused_in_one_line(name):
    with pytest.raises(UserError, match="token numbers cannot be mixed or perturbed"):
        run.execute(compose(smoke(name)))


def test_a_network_for_another_kind_of_input_is_one_line():
    with pytest.raises(UserError, match=r"backbone=tiny is for another kind of input, without vocabulary, pad, digest"):
        run.execute(compose(["scale=smoke", *toy.TASK, "backbone=tiny"]))
    with pytest.raises(UserError, match=r"backbone=encoder_tiny is for another kind of input, without in_channels"):
        run.execute(compose(["scale=smoke", "backbone=encoder_tiny"]))


def test_a_run_learns_the_toy_language(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    steps = ["steps=120", "protocol.eval_every=120", "protocol.batch=8", "protocol.optimizer.lr=0.1"]
    rows: list[dict] = []
    done = run.execute(compose([*smoke("fixmatch"), *steps, "task.labels=20", "backbone.dropout=0"]), rows.append)
    assert rows[-1]["error"] < 25
    with pytest.raises(UserError, match=r"was trained on texts, and what is predicted here is images$"):
        load(done.folder)
