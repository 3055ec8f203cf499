"""Checkpoints: the newest sound one, and never another's."""

import errno
import hashlib
import io
import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.errors import UserError
from benchmarks.store import checkpoint
from benchmarks.store.run import Run

pytestmark = pytest.mark.usefixtures("store")


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def saved() -> Run:
    """A run with two checkpoints, of steps 1 and 2."""
    run = Run({"a": 1})
    run.make()
    for step in (1, 2):
        checkpoint.save(run, {"step": step, "w": torch.arange(3.0) * step})
    assert {path.name for path in run.folder.iterdir()} == {"checkpoint.pt", "checkpoint.previous.pt"}
    return run


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[content.index(b"archive/data/0") + 200] ^= 1
    elif how == "tampered":  # a sound file that is not what was saved
        file = torch.load(path, weights_only=True)
        other = io.BytesIO()
        torch.save({"step": 7}, other)
        torch.save(file | {"payload": other.getvalue()}, path)
        return
    path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "noise": b"\x80\x02q\x00."}.get(how, content))


def test_there_and_back(saved: Run) -> None:
    state = checkpoint.load(saved)
    assert state is not None
    assert state["step"] == 2
    assert torch.equal(state["w"], torch.tensor([0.0, 2.0, 4.0]))
    assert checkpoint.load(Run({"a": 2})) is None


@pytest.mark.parametrize("how", ["empty", "half", "noise", "flipped", "tampered"])
def test_a_corrupt_checkpoint_gives_way_to_the_one_before(how: str, saved: Run) -> None:
    damage(saved / "checkpoint.pt", how)
    with pytest.warns(UserWarning, match=r"corrupt checkpoint\.pt \(.+\); going on from checkpoint\.previous\.pt"):
        state = checkpoint.load(saved)
    assert state is not None
    assert state["step"] == 1


@pytest.mark.parametrize("how", ["empty", "half", "noise", "flipped", "tampered"])
def test_no_sound_checkpoint_is_no_reason_to_start_over(how: str, saved: Run) -> None:
    for path in saved.folder.iterdir():
        damage(path, how)
    with pytest.raises(UserError, match=r"no sound checkpoint: .*; delete the folder to start over"):
        checkpoint.load(saved)


def test_any_damage_is_noticed(saved: Run) -> None:
    """Never another state than the one saved, and never another exception than UserError."""
    (saved / "checkpoint.previous.pt").unlink()
    path = saved / "checkpoint.pt"
    sound, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for trial in range(300):
        content = bytearray(sound)
        if trial % 3:
            content[rng.randrange(len(content))] = rng.randrange(256)
        elif trial % 2:
            content = content[: rng.randrange(len(content))]
        else:
            content = bytearray(rng.randbytes(rng.randrange(99)))
        path.write_bytes(content)
        try:
            state = checkpoint.load(saved)
            assert state and state["step"] == 2 and state["w"].tolist() == [0, 2, 4]
        except UserError:
            refused += 1
    assert refused > 150


def test_another_runs_checkpoint(saved: Run) -> None:
    other = Run({"a": 2})
    other.make()
    (other / "checkpoint.pt").write_bytes((saved / "checkpoint.pt").read_bytes())
    with pytest.raises(UserError, match=rf"checkpoint\.pt belongs to run {saved.id}: move it away, or delete"):
        checkpoint.load(other)


class Malicious:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize("where", ["file", "payload"])
def test_a_checkpoint_executes_nothing(where: str, saved: Run, tmp_path: Path) -> None:
    victim = tmp_path / "executed"
    evil = io.BytesIO()
    torch.save(Malicious(victim), evil)
    if where == "payload":
        header = torch.load(saved / "checkpoint.pt", weights_only=True)
        payload = evil.getvalue()
        evil = io.BytesIO()
        torch.save(header | {"payload": payload, "sha256": hashlib.sha256(payload).hexdigest()}, evil)
    for path in saved.folder.iterdir():
        path.write_bytes(evil.getvalue())
    with pytest.raises(UserError, match="no sound checkpoint"):
        checkpoint.load(saved)
    (saved / "checkpoint.pt").write_bytes(pickle.dumps(Malicious(victim)))
    with pytest.raises(UserError, match="no sound checkpoint"):
        checkpoint.load(saved)
    assert not victim.exists()
    pickle.loads(pickle.dumps(Malicious(victim)))
    assert victim.exists()  # it would have


def test_a_full_disk_spares_the_checkpoints(saved: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(UserError, match="No space left on device"):
            checkpoint.save(saved, {"step": 3})
    assert {path.name for path in saved.folder.iterdir()} == {"checkpoint.pt", "checkpoint.previous.pt"}
    state = checkpoint.load(saved)
    assert state is not None
    assert state["step"] == 2


def test_a_crash_between_the_two_renames(saved: Run) -> None:
    checkpoint.save(saved, {"step": 3})
    (saved / "checkpoint.pt").rename(saved / "checkpoint.new.pt")
    for step in (3, 4):
        state = checkpoint.load(saved)
        assert state is not None
        assert state["step"] == step
        checkpoint.save(saved, {"step": 4})
    (saved / "checkpoint.pt").write_bytes(b"")
    with pytest.warns(UserWarning, match="going on from"):
        assert checkpoint.load(saved)
