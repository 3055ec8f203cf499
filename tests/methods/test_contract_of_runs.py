"""The contract that every method keeps in a run: hidden labels, replays, stops."""

import dataclasses
from typing import Any

import pytest
from contract import PERIODS, every_method, flat, same, smoke, state, stop_after, sure
from outcomes import outcome
from torch import Tensor
from transcript import Transcripts

from benchmarks import assemble as assembly
from benchmarks import run
from benchmarks.config import compose
from benchmarks.data import task as tasks
from benchmarks.training.replay import Replay


@every_method
def test_hidden_labels_change_no_bit(name, tmp_path, monkeypatch):
    """Two runs from end to end, the second with other hidden labels."""
    build, final_pass = tasks.build, run.final_pass
    ends: list[list[Tensor]] = []

    def elsewhere(**settings: Any) -> Any:
        task, answers = build(**settings)
        shift = 1 if len(ends) else 0
        return task, dataclasses.replace(answers, hidden=(answers.hidden + shift) % task.n_classes)

    def spy(method: Any, net: Any, task: Any, answers: Any) -> Any:
        ends.append([t.clone() for _, t in sorted(flat((net.state_dict(), method.state_dict())))])
        return final_pass(method, net, task, answers)

    monkeypatch.setattr(tasks, "build", elsewhere)
    monkeypatch.setattr(run, "final_pass", spy)
    monkeypatch.setattr(assembly, "make", sure(assembly.make))
    found = []
    for k in range(2):
        monkeypatch.setenv("SSL_RUNS", str(tmp_path / str(k)))
        found.append(outcome(run.execute(compose(smoke(name)))))
    assert same(*ends)
    counted = {"correct", "wrong", "right"}  # the trainer's own book-keeping
    rows = [[{k: v for k, v in row.items() if k not in counted} for row in rows] for rows, _, _ in found]
    assert rows[0] == rows[1]
    assert found[0][2] == found[1][2]
    assert found[0][1] != found[1][1]  # pseudo.csv.gz has a column of them: they were others


@every_method
def test_a_replayed_step_is_an_eager_one(name, assemble):
    """Where `phase` says that two steps are alike they are, bit for bit, and no step waits for the device."""
    ends = []
    for warm_up in (1, 99):
        parts = assemble(*smoke(name), "steps=12", "protocol.average=0", *PERIODS.get(name, []))
        recorder = Transcripts()
        take = Replay(parts.student, parts.method, recorder, warm_up=warm_up)
        losses = [take(parts.loader.next()).loss.detach().clone() for _ in range(12)]
        assert recorder.recordings == 0 or warm_up == 1
        ends.append([*losses, *state(parts)])
    assert same(*ends)


@every_method
def test_stop_and_resume_equals_uninterrupted(name, tmp_path, monkeypatch):
    cfg = compose([*smoke(name), "steps=6", "protocol.eval_every=4", "protocol.optimizer.lr=0.5"])
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    assert [row["step"] for row in whole[0]][-2:] == [4, 6]  # before them, the end of a stage where there are several

    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    for steps in (3, 2):  # after step 3 and after step 5: neither is an evaluation's
        with pytest.raises(KeyboardInterrupt, match="with a checkpoint"):
            run.execute(cfg, stop=stop_after(steps))
    resumed = run.execute(cfg)
    assert outcome(resumed) == whole
    assert not list(resumed.folder.glob("*.pt"))


def test_a_resumed_run_was_not_simply_started_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    cfg = compose(["scale=smoke", "steps=6"])
    with pytest.raises(KeyboardInterrupt):
        run.execute(cfg, stop=stop_after(5))
    rows = []
    run.execute(cfg, rows.append)
    assert [row["step"] for row in rows] == [6]
    run.execute(cfg, rows.append)  # done is done
    assert len(rows) == 1
