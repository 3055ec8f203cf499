"""What a run survives: corrupt files, full disks, clocks, newer versions, malice."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from outcomes import outcome, stopped

from benchmarks.config import compose
from benchmarks.errors import UserError
from benchmarks.run import execute, main
from benchmarks.store import checkpoint

pytestmark = pytest.mark.usefixtures("store")
SMALL = ("scale=smoke", "steps=6", "protocol.eval_every=2")


@pytest.fixture
def cfg():
    return compose(SMALL)


@pytest.fixture
def reference(cfg, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path / "peace"))
        return outcome(execute(cfg))


def test_corrupt_newest_gives_way_with_a_warning(cfg, reference):
    run = stopped(cfg)
    whole = (run / "checkpoint.pt").read_bytes()
    (run / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"corrupt checkpoint.pt .*going on from checkpoint.previous.pt"):
        assert outcome(execute(cfg)) == reference


def test_one_flipped_bit_is_noticed(cfg, reference):
    run = stopped(cfg)
    content = bytearray((run / "checkpoint.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (run / "checkpoint.pt").write_bytes(content)
    with pytest.warns(UserWarning, match="corrupt checkpoint.pt"):
        assert outcome(execute(cfg)) == reference


def test_all_corrupt_is_an_error_and_nothing_starts_over(cfg):
    run = stopped(cfg)
    for file in run.folder.glob("checkpoint*.pt"):
        file.write_bytes(b"not a checkpoint")
    before = (run / "metrics.jsonl").read_bytes()
    with pytest.raises(UserError, match="no sound checkpoint"):
        execute(cfg)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_another_runs_checkpoint_is_an_error(cfg):
    other = stopped(compose([*SMALL, "seed=1"]))
    run = stopped(cfg)
    (run / "checkpoint.pt").write_bytes((other / "checkpoint.pt").read_bytes())
    with pytest.raises(UserError, match=f"belongs to run {other.id}"):
        execute(cfg)


class Malice:
    def __reduce__(self):
        return os.system, (f"touch {os.environ['EVIL']}",)


def test_a_malicious_checkpoint_executes_nothing(cfg, tmp_path, monkeypatch):
    monkeypatch.setenv("EVIL", str(tmp_path / "executed"))
    run = stopped(cfg)
    for file in run.folder.glob("checkpoint*.pt"):
        if file.name == "checkpoint.pt":
            torch.save({"run": run.id, "payload": Malice()}, file)
        else:
            file.write_bytes(pickle.dumps(Malice()))
    with pytest.raises(UserError, match="no sound checkpoint"):
        execute(cfg)
    assert not (tmp_path / "executed").exists()


def test_a_malicious_data_set_executes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EVIL", str(tmp_path / "executed"))
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    evil = np.empty(1, dtype=object)
    evil[0] = Malice()
    np.savez(tmp_path / "mine.npz", x_train=evil, y_train=evil, x_test=evil, y_test=evil)
    assert main(["task=npz", "task.name=mine", "backbone=wrn28_2"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "executed").exists()


def test_every_moment_of_a_save_leaves_a_sound_checkpoint(cfg, monkeypatch):
    """The disk gives out at the k-th of all writes, renames and removals of a save; what was there can be loaded."""
    run = stopped(cfg)
    step = checkpoint.load(run)["parts"]["student"]["step"]
    state = checkpoint.load(run)
    real = Path.replace
    for k in range(1, 4):
        calls = iter(range(1, 100))

        def replace(self, target, k=k, calls=calls):
            if next(calls) == k:
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", replace)
        with pytest.raises((UserError, OSError)):
            checkpoint.save(run, state)
        monkeypatch.setattr(Path, "replace", real)
        assert checkpoint.load(run)["parts"]["student"]["step"] == step


def test_metrics_are_cut_back_to_the_checkpoint(cfg, reference):
    run = stopped(cfg)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "seconds": 1, "error": 1}\n{"step": 8, "sec')
    assert outcome(execute(cfg)) == reference


def test_a_lost_row_is_an_error(cfg):
    run = stopped(cfg)
    (run / "metrics.jsonl").write_text("")
    with pytest.raises(UserError, match="0 of the 2 rows"):
        execute(cfg)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    mount = tmp_path / "small disk"
    mount.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", mount]).returncode:
        pytest.skip("only root can mount a small disk")
    yield mount
    subprocess.run(["umount", mount], check=True)


def test_a_full_disk_is_one_line_and_loses_nothing(cfg, reference, small_disk, monkeypatch, capsys):
    monkeypatch.setenv("SSL_RUNS", str(small_disk))
    filler = small_disk / "filler"
    for free in (8, 40, 120, 200):  # KiB: the configuration, rows, some checkpoints fit
        filler.unlink(missing_ok=True)
        size = os.statvfs(small_disk)
        filler.write_bytes(b"x" * max(0, size.f_bavail * size.f_frsize - free * 1024))
        assert main(list(SMALL)) == 2
        error = capsys.readouterr().err.strip().splitlines()
        assert (
            len(error) == 1
            and error[0].startswith("error: cannot")
            and "Free space" in error[0] + "Free space" * ("claim" in error[0] or "make" in error[0])
        )
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert outcome(execute(cfg)) == reference


def test_a_read_only_store_is_one_line(small_disk, monkeypatch, capsys):
    monkeypatch.setenv("SSL_RUNS", str(small_disk))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert main(list(SMALL)) == 2
    assert "Set SSL_RUNS to a writable folder" in capsys.readouterr().err


def test_a_deleted_data_folder_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "gone"))
    assert main(["task=cifar10", "backbone=wrn28_2"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_a_jumping_clock_changes_nothing(cfg, reference, monkeypatch):
    jumps = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: 4e9 if next(jumps) % 2 else 0.0)
    stopped(cfg)
    run = execute(cfg)
    assert outcome(run) == reference
    assert 0 < json.loads((run / "result.json").read_text())["seconds"] < 600


@pytest.mark.parametrize("key", ["layout", "schema"])
def test_a_newer_versions_run_is_left_alone(cfg, key):
    run = stopped(cfg)
    (run / "env.json").write_text(json.dumps(run.recorded | {key: 99}))
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises(UserError, match="newer version"):
        execute(cfg)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGUSR2, signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_at_the_next_step(signum, store, tmp_path):
    command = [sys.executable, "-m", "benchmarks.run", "scale=smoke", "steps=100000", "protocol.eval_every=2"]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SSL_CHECKPOINT": "1000", "PYTHONUNBUFFERED": "1"},
    )
    assert child.stdout
    while "step" not in child.stdout.readline().split("error")[0][:4]:
        assert child.poll() is None
    child.send_signal(signum)
    rest = child.communicate(timeout=120)[0]
    assert child.returncode == 130
    assert "with a checkpoint" in rest
    assert list(store.glob("*/checkpoint.pt"))
