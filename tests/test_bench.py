"""The benchmark's own instruments, and the number of operations that a step may take."""

import json
import os
import subprocess
import sys

import pytest
import torch
from benchmarks.build import make
from transcript import Transcripts

from benchmarks.config import compose
from benchmarks.errors import UserError
from benchmarks.speed import clock, gpu, phases, ratios, together
from benchmarks.speed.steps import ours, pillow_views, strong_views, task_of
from benchmarks.training.student import Student

SMALL = "backbone.depth=10 backbone.width=1"
LABELLED, UNLABELLED = 4, 12


def operations(how: str) -> int:
    return clock.flops(ours(f"{how} {SMALL}", task_of(LABELLED, UNLABELLED)))


@pytest.fixture(scope="module")
def fixmatch() -> int:
    return operations("method=fixmatch")


@pytest.mark.parametrize(
    ("how", "passes"),
    [
        # in forward passes of one image: the weak views, the inner pass, backwards (2 each), the meta pass (3), the
        # tangent (2)
        ("method=meta_t", lambda x, u: u + (x + u) + 2 * (x + u) + 3 * x + 2 * (x + u) + 2 * (x + u)),
        ("method=meta_t method.update=lagged", lambda x, u: u + (x + u) + 2 * (x + u) + 3 * x + 2 * (x + u)),
        ("method=green_meta_t method.k=1", lambda x, u: u + 7 * (x + u) + 3 * x),
        ("method=meta_t engine=finite_difference", lambda x, u: u + 7 * (x + u) + 3 * x),
    ],
)
def test_a_step_takes_the_operations_that_its_docs_count(how, passes, fixmatch):
    expected = passes(LABELLED, UNLABELLED) / (UNLABELLED + 3 * (LABELLED + UNLABELLED))
    assert operations(how) / fixmatch == pytest.approx(expected, rel=0.02)  # the first layer passes no gradient on


def test_traffic_counts_each_tensor_of_an_operator_once():
    a = torch.zeros(100)
    with clock.Traffic() as traffic:
        (a.view(10, 10) + 1).t()
    assert traffic.bytes == 2 * 400


def test_peak_memory_sees_what_a_step_takes():
    def step() -> None:
        torch.ones(25_000_000).add(1)

    assert 200e6 <= clock.peak(step) < 201e6
    assert 180e6 < clock.resident(step) < 300e6


def test_an_inner_phase_stops_the_outer_ones_watch(monkeypatch):
    times = iter([0.0, 1.0, 3.0, 6.0])
    monkeypatch.setattr(clock, "clock", lambda: next(times))
    watch = phases.Phases()
    with watch.phase("outer"), watch.phase("inner"):
        pass
    assert watch.seconds == {"outer": 1.0 + 3.0, "inner": 2.0}


def test_the_phases_of_a_meta_step():
    found = phases.profile(["method=meta_t", *SMALL.split(), "protocol.batch=4", "protocol.ratio=2"], 1)
    assert set(found) == set(phases.PHASES)
    assert all(seconds[0] > 0 for seconds in found.values())
    assert phases.profile(["method=fixmatch", *SMALL.split()], 1)["tangent"] == [0.0]


def test_both_ways_to_strong_views_make_normalised_images_of_one_distribution():
    ours, theirs = strong_views()(), pillow_views()()
    assert ours.shape == theirs.shape == (192, 3, 32, 32)
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), abs=0.1)
    assert ours.std().item() == pytest.approx(theirs.std().item(), abs=0.15)


def test_the_gpu_part_says_that_there_is_none(capsys):
    assert gpu.main([]) == 2
    assert "no GPU here" in capsys.readouterr().err


def test_the_gpu_part_runs_anywhere_if_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    monkeypatch.setattr(gpu, "METHODS", ("green_meta_t",))
    recorders: list[Transcripts] = []
    monkeypatch.setattr(gpu, "CudaGraphs", lambda: recorders.append(Transcripts()) or recorders[-1])
    assert gpu.main(["any=yes", "rounds=1", "how=eager,graph", *SMALL.split()]) == 0
    found = json.loads((tmp_path / "bench-gpu.json").read_text())
    assert [(row["how"], row["precision"]) for row in found["steps"]] == [
        (how, precision) for how in ("eager", "graph") for precision in ("float32", "bfloat16")
    ]
    assert all(row["steps_per_second"] > 0 and row["roofline"] > 0 for row in found["steps"])
    assert [recorder.recordings for recorder in recorders] == [2, 2]
    assert found["left_out"] == []


def test_the_gpu_part_says_what_it_left_out_and_what_failed(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    monkeypatch.setattr(gpu, "METHODS", ("fixmatch",))

    class Broken(Transcripts):
        def record(self, take):
            raise UserError("cannot record")

    monkeypatch.setattr(gpu, "CudaGraphs", Broken)
    assert gpu.main(["any=yes", "rounds=1", "how=graph", *SMALL.split()]) == 0
    found = json.loads((tmp_path / "bench-gpu.json").read_text())
    assert [row["error"] for row in found["steps"]] == ["cannot record"] * 2
    assert gpu.main(["any=yes", "rounds=1", "how=graph", "minutes=0", *SMALL.split()]) == 0
    found = json.loads((tmp_path / "bench-gpu.json").read_text())
    assert found["left_out"] == [["graph", "float32", "fixmatch"], ["graph", "bfloat16", "fixmatch"]]


def test_the_gpu_part_shares_its_device(tmp_path, monkeypatch):
    def shared(n: int, seconds: float, overrides: str, graph: bool) -> float:
        if graph:
            raise RuntimeError("no graphs here")
        return 2.0 * n

    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    monkeypatch.setattr(gpu, "shared", shared)
    assert gpu.main(["any=yes", "rounds=1", "how=eager together,graph together"]) == 0
    eager, graph = json.loads((tmp_path / "bench-gpu.json").read_text())["steps"]
    assert eager["method"] == "fixmatch" and eager["processes"] == {"1": 2.0, "2": 4.0, "4": 8.0, "8": 16.0}
    assert graph["error"] == "no graphs here"  # and the rest goes on


def test_the_ratios_as_the_command_gives_them(tmp_path, monkeypatch):
    """Rounds in turn, operations, and peak memory in processes of their own."""
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    assert ratios.main(["rounds=1", "backbone=tiny", "only=fixmatch,meta_t"]) == 0
    found = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert set(found) == {"meta_t/fixmatch", "memory: meta_t/fixmatch", "resident: meta_t/fixmatch"}
    assert found["meta_t/fixmatch"]["flops"] == pytest.approx(2.148, rel=0.03)
    assert all(row["ratio"] > 0 for row in found.values())


def test_runs_together(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    monkeypatch.setattr(together, "PROCESSES", (2,))
    assert together.main(["seconds=0.1", "backbone=tiny"]) == 0
    assert json.loads((tmp_path / "together.json").read_text())[0]["steps_per_second"] > 0


@pytest.mark.slow
def test_a_compiled_student_computes_what_an_eager_one_does(assemble):
    """Plain passes through torch.compile; the meta step, which stays eager, sees the same weights."""
    script = """
import sys
from benchmarks.speed.steps import *
config_of = "method=meta_t backbone=tiny"
for compiled in (False, True):
    torch.manual_seed(0)
    cfg, task = config(*config_of.split()), task_of(8, 16)
    method = make(cfg.method)
    net = method.setup(task.facts, make(cfg.backbone, in_channels=3, n_classes=10))
    student, batch = student_of(cfg, net, compiled), batch_of(task, method.views)
    for _ in range(3):
        loss = method.loss(student, batch).loss
        student.descend(loss)
    print(loss.item(), *(p.double().norm().item() for p in [*student.average.parameters(), *method.parameters()]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ})
    if "InvalidCxxCompiler" in done.stderr or "No working C++ compiler" in done.stderr:
        pytest.skip("no C++ compiler for torch.compile")
    assert done.returncode == 0, done.stderr[-2000:]
    eager, compiled = ([float(v) for v in line.split()] for line in done.stdout.splitlines()[-2:])
    assert compiled == pytest.approx(eager, rel=1e-4)


def test_compiling_is_a_launch_setting(monkeypatch):
    from benchmarks.build import compiled

    assert not compiled()
    monkeypatch.setenv("SSL_COMPILE", "1")
    assert compiled()
    cfg = compose([])
    student = Student(
        make(cfg.backbone, in_channels=1, n_classes=10),
        optimizer=make(cfg.protocol.optimizer),
        schedule=make(cfg.protocol.schedule),
        decay=0.9,
        steps=1,
        compiled=compiled(),
    )
    assert list(student.eager.parameters()) == student.parameters
    assert student.eager._compiled_call_impl is None
    assert student.net._compiled_call_impl is not None


def test_the_pictures(tmp_path, monkeypatch, capsys):
    from reports import speed

    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    assert speed.main([]) == 2
    assert "make bench" in capsys.readouterr().err
    bench = [
        {"name": "meta_t/fixmatch", "ratio": 2.1, "target": 2.0, "flops": 2.15, "device": "cpu", "backbone": "wrn28_2"},
        {"name": "flexmatch/fixmatch", "ratio": 1.0, "target": None, "device": "cpu", "backbone": "wrn28_2"},
    ]
    scaling = [
        {"method": m, "axis": "width", "value": v, "seconds": v, "bytes": v * 1e6, "device": "cpu", "depth": 10}
        for m in ("fixmatch", "meta_t")
        for v in (2, 4)
    ]
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    (tmp_path / "scaling.json").write_text(json.dumps(scaling))
    assert speed.main([]) == 0
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("bench.png", "scaling.png"))
