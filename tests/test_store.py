"""A run's name is its configuration; its directory survives whatever happens, and it never starts over unasked."""

import copy
import errno
import gzip
import hashlib
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from benchmarks.config import NAMES, compose, plain, run_id
from benchmarks.errors import UserError
from benchmarks.influence.engines import ENGINES
from benchmarks.run import execute
from benchmarks.store import checkpoint, disk
from benchmarks.store import run as store
from benchmarks.store.disk import write_atomically
from benchmarks.store.run import PSEUDO, Run

SMOKE = ("scale=smoke", "method=ict")  # a method that draws random numbers of its own


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_CHECKPOINT", "0")  # at every evaluation
    return tmp_path / "runs"


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def timeless(content: Any) -> Any:
    return {key: value for key, value in content.items() if key != "seconds"}


def outcome(run: Run) -> tuple[Any, ...]:
    """All that a run leaves, but for what the clock says."""
    assert run.done
    pseudo = (run / "pseudo.csv.gz").read_bytes()
    return [timeless(row) for row in run.rows()], pseudo, timeless(json.loads((run / "result.json").read_text()))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What SMOKE leaves when nothing happens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path_factory.mktemp("undisturbed")))
        return outcome(execute(compose(SMOKE)))


# ---- a run's name


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


def changed(config: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The configuration with another value of one leaf."""
    new = copy.deepcopy(config)
    node = new
    for key in path[:-1]:
        node = node[key]
    old = node[path[-1]]
    if isinstance(old, bool):
        node[path[-1]] = not old
    elif isinstance(old, int | float):
        node[path[-1]] = old * 1.000001 + 1e-9
    elif isinstance(old, list):
        node[path[-1]] = [*old, *old]
    else:
        node[path[-1]] = f"{old}x"
    return new


def backwards(node: Any) -> Any:
    return {key: backwards(node[key]) for key in reversed(node)} if isinstance(node, dict) else node


@pytest.mark.parametrize(
    "overrides",
    [
        ("method=meta_semi_ict", "task=stl10", "backbone=wrn37_2", "protocol=mixmatch", "scale=paper"),
        ("method=green_meta_t", "protocol=meta_t", "task.imbalance={n1: 15, m1: 30, gamma_l: 10, gamma_u: 10}"),
    ],
)
def test_the_name_depends_on_everything_but_the_order(overrides: tuple[str, ...]) -> None:
    config = plain(compose(overrides))
    paths = list(leaves(config))
    assert len(paths) > 40
    names = {run_id(config), *(run_id(changed(config, path)) for path in paths)}
    assert len(names) == 1 + len(paths)
    assert run_id(config | {"more": None}) not in names
    assert run_id({key: value for key, value in config.items() if key != "seed"}) not in names
    assert run_id(backwards(config)) == run_id(config) == run_id(compose(overrides))
    assert len(run_id(config)) == 12


def test_a_name_is_for_ever() -> None:
    assert run_id({"b": [1, 0.5], "a": {"c": None}}) == "c1e1a696678c"


def test_the_order_of_overrides_does_not_matter() -> None:
    overrides = ["method=ict", "scale=smoke", "task.labels=10", "seed=3", "protocol.optimizer.lr=0.1"]
    assert len({run_id(compose(overrides[k:] + overrides[:k])) for k in range(5)}) == 1
    assert run_id(compose(overrides)) != run_id(compose(overrides[:-1]))


def test_composing_once_changes_nothing_for_the_next() -> None:
    before = run_id(compose(SMOKE))
    compose((*SMOKE, "method.beta=0.5", "task.augment.mean=[0.1]", "seed=9"))
    assert run_id(compose(SMOKE)) == before


def test_the_name_can_be_read_off_the_directory() -> None:
    run = execute(compose((*SMOKE, "protocol.optimizer.lr=1e-5")))
    written = yaml.safe_load((run / "config.yaml").read_text())
    assert written == run.config
    assert run_id(written) == run.id == run.folder.name


def test_the_names_of_choices_are_those_of_the_code() -> None:
    assert set(NAMES["engine"]) == set(ENGINES)
    run = execute(compose(SMOKE))
    assert set(NAMES["protocol.report"]) == set(json.loads((run / "result.json").read_text())["error"])


def test_names_and_directories_need_no_torch() -> None:
    code = "import sys, benchmarks.config, benchmarks.store.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0


# ---- files


@pytest.mark.parametrize("half", ['{"step": 30, "err', '{"step": 30}', "\ufffd"])
def test_a_row_that_was_half_written_does_not_count(half: str) -> None:
    run = Run({"a": 1})
    assert run.rows() == []
    run.make()
    for step in (10, 20):
        run.append({"step": step, "error": step / 3})
    whole = run.rows()
    with (run / "metrics.jsonl").open("a") as file:
        file.write(half)
    assert run.rows() == whole == [{"step": 10, "error": 10 / 3}, {"step": 20, "error": 20 / 3}]
    run.cut(20)
    run.append({"step": 30, "error": 0.5})
    assert [row["step"] for row in run.rows()] == [10, 20, 30]


def test_cut() -> None:
    run = Run({"a": 1})
    run.make()
    for step in (10, 20, 30):
        run.append({"step": step})
    run.cut(25, rows=2)
    assert [row["step"] for row in run.rows()] == [10, 20]
    with pytest.raises(UserError, match="has 2 of the 3 rows before step 30: restore it, or delete"):
        run.cut(30, rows=3)
    run.cut(-1)
    assert run.rows() == []


@pytest.mark.parametrize("patched", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_file(patched: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(patched, full_disk)
        with pytest.raises(UserError, match=r"cannot write .*/file: No space left on device\. Free space there or set"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_write_is_on_the_disk_before_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "file", []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(path.exists()), fsync(descriptor)))
    write_atomically(path, b"new")
    assert seen[0] is False


def test_pseudo_labels_are_a_table_of_five_columns() -> None:
    run = Run({"a": 1})
    run.make()
    run.write_pseudo({name: [k, k + 1] for k, name in enumerate(reversed(PSEUDO))})
    content = (run / "pseudo.csv.gz").read_bytes()
    assert content[4:8] == bytes(4)  # no clock in it: the same labels are the same bytes
    assert gzip.decompress(content).decode() == "hidden,label,confidence,threshold,selected\n4,3,2,1,0\n5,4,3,2,1\n"
    with pytest.raises(ValueError, match="zip"):
        run.write_pseudo({name: range(k) for k, name in enumerate(PSEUDO)})


def test_result_is_written_last(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    write = disk.write_atomically
    monkeypatch.setattr(
        store, "write_atomically", lambda path, content: (written.append(path.name), write(path, content))
    )
    append = Run.append
    monkeypatch.setattr(Run, "append", lambda run, row: (written.append("metrics.jsonl"), append(run, row)))
    run = execute(compose(SMOKE))
    assert written[-2:] == ["pseudo.csv.gz", "result.json"]
    assert {path.name for path in run.folder.iterdir()} == {"env.json", *written} == {
        "config.yaml", "env.json", "metrics.jsonl", "pseudo.csv.gz", "result.json",
    }  # fmt: skip


def test_asking_twice_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = execute(compose(SMOKE))
    before = {path: path.stat().st_mtime_ns for path in [first.folder, *first.folder.iterdir()]}
    monkeypatch.setattr("benchmarks.data.task.build", None)  # whoever calls it fails
    again = execute(compose(reversed(SMOKE)), report=lambda row: pytest.fail("it ran"))
    assert again.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in [first.folder, *first.folder.iterdir()]} == before


# ---- checkpoints


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


# ---- crashes


class Crash(BaseException):
    """Nobody catches it."""


def test_a_crash_at_any_file_is_survived(
    undisturbed: tuple[Any, ...], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every flush and every renaming that a run makes, one after another."""
    calls = 0

    def crashing(call: Any) -> Any:
        def crash(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == fatal:
                raise Crash
            return call(*arguments)

        return crash

    fatal = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crashing(os.fsync))
        patch.setattr(Path, "replace", crashing(Path.replace))
        run = execute(compose(SMOKE))
        n = calls
        assert n > 15
        for k in range(1, n + 1):
            for path in run.folder.iterdir():
                path.unlink()
            calls, fatal = 0, k
            with pytest.raises(Crash):
                execute(compose(SMOKE))
            fatal = 0
            finished = run.done
            assert outcome(execute(compose(SMOKE))) == undisturbed
            assert finished or not list(run.folder.glob("*.pt"))


@pytest.mark.slow
def test_kill_9_and_resume(runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a method that has a network and an optimizer of its own."""
    overrides = ("scale=smoke", "method=meta_t", "steps=120", "protocol.eval_every=4")
    run = Run(plain(compose(overrides)))
    command = [sys.executable, "-m", "benchmarks.run", *overrides]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    repository = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while len(run.rows()) < 3 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not run.done
    state = checkpoint.load(run)
    assert state is not None
    assert 0 < state["parts"]["student"]["step"] < 120

    steps: list[int] = []
    resumed = outcome(execute(compose(overrides), report=lambda row: steps.append(row["step"])))
    assert steps == list(range(state["parts"]["student"]["step"] + 4, 121, 4))  # it did not start over
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "in one go"))
    assert resumed == outcome(execute(compose(overrides)))
    assert [row["step"] for row in resumed[0]] == list(range(4, 121, 4))
