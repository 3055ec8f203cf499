"""Launching: settings, arrays, ten thousand runs, claims, the command lines."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from benchmarks.config import run_id
from benchmarks.errors import UserError
from benchmarks.machine import identity as process
from benchmarks.store import claim
from benchmarks.store.claim import Claim, Claimed
from sweeps import arrays, asked, cancel, examine, launch, local, status
from sweeps.grid import load
from sweeps.settings import settings
from sweeps.sweep import Cell, Sweep


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "a store"))
    return tmp_path / "a store"


def cells(n, backbone="tiny"):
    return [Cell("row", "column", k, (f"seed={k}",), {"backbone": {"name": backbone}, "seed": k}) for k in range(n)]


# --- settings


def test_settings_come_from_file_class_and_command_line(tmp_path):
    assert settings("tiny").gpus == 0 and settings("wrn28_8").gpus == 1
    site = tmp_path / "site.yaml"
    site.write_text("default: {partition: gpu, hours: 5}\nwrn28_8: {hours: 48}\n")
    assert settings("wrn28_8", str(site)).hours == 48 and settings("cnn13", str(site)).hours == 5
    both = settings("wrn28_8", str(site), {"hours": "7", "wrn28_8.hours": "9", "qos": "1"})
    assert (both.hours, both.partition, both.qos) == (9, "gpu", "1")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hours": "soon"}, "not a positive number"),
        ({"runs_per_gpu": "0"}, "not a positive number"),
        ({"cpus": "1.5"}, "not a whole number"),
        ({"hours": "0.01"}, "signal_delay"),
    ],
)
def test_bad_settings_are_one_line(given, said):
    with pytest.raises(UserError, match=said):
        settings("wrn28_2", None, given)


def test_settings_are_no_part_of_a_run():
    sweep = {cell.run.id for cell in asked.distinct("meta_t/table1", "smoke", "FixMatch")}
    assert not any(name in cell.config for cell in asked.distinct("meta_t/table1", "smoke") for name in ("partition",))
    assert sweep == {run_id(dict(c.config)) for c in asked.distinct("meta_t/table1", "smoke", "FixMatch")}


@pytest.mark.parametrize(
    "arguments",
    [
        ["meta_t/table1", "launcher=slurn"],
        ["meta_t/table1", "partitoin=gpu"],
        ["meta_t/table1", "runs_per_gpu=some", "scale=smoke"],
        ["meta_t/table1", "settings=/nowhere.yaml", "--dry-run", "scale=smoke"],
        ["meta_t/table1", "wrn99.hours=3", "--dry-run", "scale=smoke"],
        ["meta_t/table11"],
        [],
    ],
)
@pytest.mark.parametrize("command", [launch, status, cancel])
def test_a_bad_command_line_is_one_line(command, arguments, capsys):
    if command is not launch:
        arguments = [a for a in arguments if not a.startswith(("settings", "wrn99", "runs_per_gpu", "--"))] or ["x"]
        if len(arguments) == 2 and "scale" in arguments[1]:
            pytest.skip("these do not read settings")
    assert command.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


# --- arrays


def test_one_array_per_class_packed_and_in_chunks():
    found = arrays.arrays([*cells(10), *cells(7, "wrn28_2")], None, {"runs_per_gpu": "3", "tiny.array_size": "2"}, 1000)
    assert [(a.kind, [len(task) for task in a.tasks]) for a in found] == [
        ("tiny", [3, 3]),
        ("tiny", [3, 1]),
        ("wrn28_2", [3, 3, 1]),
    ]
    assert [a.settings.concurrency for a in found] == [32, 32, 64]  # the arrays of a class share it
    assert len(arrays.arrays(cells(10), None, {}, 4)) == 3  # the scheduler's own bound


def test_dry_run_says_what_would_be_asked_for(capsys):
    assert launch.main(["meta_t/table1", "scale=smoke", "row=FixMatch", "--dry-run", "gpus=2", "hours=4"]) == 0
    out = capsys.readouterr().out
    assert "python -m benchmarks.run" in out
    assert "tiny: 2 runs in 2 tasks, 1 a task, 2 GPU, 1 cores, 2 GB, at most 4 h at a time" in out
    assert "in total 2 runs, no step of such runs has been timed yet" in out


def test_slurm_is_missing(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    assert launch.main(["meta_t/table1", "scale=smoke", "row=FixMatch", "launcher=slurm"]) == 2
    assert "no SLURM here" in capsys.readouterr().err


@pytest.mark.slow
def test_ten_thousand_runs():
    """50 x 40 x 5 runs, each configuration composed: under a minute and 1 GiB."""
    command = [sys.executable, "-m", "tests.grid"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert "in total 10000 runs" in done.stdout, done.stderr[-2000:]
    cost = dict(word.split("=") for word in done.stderr.splitlines()[-1].split())
    assert float(cost["MiB"]) < 1024
    assert float(cost["cpu"]) < 60  # of a machine of one's own, that is its time


# --- claims


def hold(folder, ready, go):
    with Claim(folder):
        ready.set()
        go.wait(30)


def test_a_living_claim_is_respected_and_a_dead_one_taken(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    child = context.Process(target=hold, args=(tmp_path, ready, go))
    child.start()
    assert ready.wait(60)
    with pytest.raises(Claimed, match=f"process {child.pid}"), Claim(tmp_path):
        pass
    child.kill()
    child.join()
    with Claim(tmp_path) as mine:
        assert mine.path.name == "claim.0002"
        mine.check()


def foreign(folder):
    """A claim of a process on another machine."""
    path = folder / "claim.0001"
    path.write_text(json.dumps(process.identity() | {"host": "elsewhere", "machine": "another"}))
    return path


def test_a_foreign_claim_expires_when_its_heart_stands_still(tmp_path):
    foreign(tmp_path)
    start = time.monotonic()
    with Claim(tmp_path, beat=0.05, patience=0.5) as mine:
        assert time.monotonic() - start >= 0.5
        assert mine.path.name == "claim.0002"


def test_a_foreign_claim_that_beats_is_respected_whatever_the_clocks_say(tmp_path, monkeypatch):
    path = foreign(tmp_path)
    beats = iter(range(1, 100))
    monkeypatch.setattr(claim.time, "sleep", lambda s: os.utime(path, (next(beats), 1e9)))  # a clock of decades ago
    with pytest.raises(Claimed, match="elsewhere"), Claim(tmp_path, beat=0.05, patience=5):
        pass


def test_an_owner_that_slept_too_long_notices(tmp_path):
    with Claim(tmp_path, beat=0.02) as mine:
        (tmp_path / "claim.0002").write_text("{}")
        end = time.monotonic() + 10
        while not mine.lost and time.monotonic() < end:
            time.sleep(0.01)
        with pytest.raises(Claimed, match="taken over"):
            mine.check()


def race(folder, start, won):
    start.wait(30)
    try:
        with Claim(folder):
            won.put(os.getpid())
            time.sleep(1.0)
    except Claimed:
        won.put(0)


def test_one_of_many_wins(tmp_path):
    context = multiprocessing.get_context("fork")
    start, won = context.Event(), context.Queue()
    crowd = [context.Process(target=race, args=(tmp_path, start, won)) for _ in range(8)]
    for child in crowd:
        child.start()
    start.set()
    winners = [won.get(timeout=60) for _ in crowd]
    for child in crowd:
        child.join()
    assert sum(winner > 0 for winner in winners) == 1


# --- this machine


def test_a_failing_run_is_told_and_the_others_go_on():
    good = Cell("good", "c", 0, ("scale=smoke", "steps=2"), {})
    bad = Cell("bad", "c", 0, ("scale=smoke", "steps=2", "method._target_=tests.slurm.slow.Broken"), {})
    outcomes = {cell.row: outcome for cell, outcome in local.carry_out([bad, good], 1)}
    assert outcomes["good"].state == "done"
    assert outcomes["bad"].state == "failed" and "error.txt" in outcomes["bad"].reason


def test_debug_is_this_process(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(local, "execute", lambda work: (seen.append(work.row), local.Outcome("done"))[1])
    assert launch.main(["meta_t/table1", "scale=smoke", "row=FixMatch", "launcher=debug"]) == 0
    assert seen == ["FixMatch"] * 2
    assert "[2/2]" in capsys.readouterr().out


def test_gpus_are_counted_without_torch(monkeypatch):
    monkeypatch.setattr(Path, "iterdir", lambda self: iter("ab"))
    monkeypatch.delenv("SSL_DEVICE", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local.gpus() == ["cuda:0", "cuda:1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert local.gpus() == ["cuda:0"]
    monkeypatch.setenv("SSL_DEVICE", "cpu")
    assert local.gpus() == []


def test_status_without_slurm(capsys):
    sweep: Sweep = load("meta_t/table1")
    first = next(sweep.cells("smoke"))
    first.run.open({})
    first.run.append({"step": 2, "seconds": 1.0, "error": 50.0})
    (first.run / "error.txt").write_text("Traceback ...\nValueError: of a kind\n")
    assert status.main(["meta_t/table1", "scale=smoke", f"row={first.row}"]) == 0
    out = capsys.readouterr().out
    assert "ValueError: of a kind" in out
    with Claim(first.run.folder):
        assert examine.examine([first])[0].state == "running"


def test_the_launcher_imports_nothing_heavy():
    code = "import sweeps.launch, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
