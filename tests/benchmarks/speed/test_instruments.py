"""The benchmark's own instruments, and the number of operations that a step may take."""

import json

import pytest
import torch

from benchmarks.config import resolve
from benchmarks.speed import clock, phases, ratios, together
from benchmarks.speed.steps import ours, pillow_views, strong_views, task_of
from sweeps.anew import operations as passes_of

SMALL = "backbone.depth=10 backbone.width=1"
LABELLED, UNLABELLED = 4, 12


def operations(how: str) -> int:
    return clock.flops(ours(f"{how} {SMALL}", task_of(LABELLED, UNLABELLED)))


@pytest.fixture(scope="module")
def fixmatch() -> int:
    return operations("method=fixmatch")


@pytest.mark.parametrize(
    "how",
    [
        "method=meta_t",
        "method=meta_t_lagged",
        "method=green_meta_t method.k=1",
        "method=meta_t engine=finite_difference",
        "method=meta_semi",
        "method=ict",
        "method=mixmatch",
    ],
)
def test_a_step_takes_the_operations_that_its_docs_count(how, fixmatch):
    """Within 2 %: the first layer passes no gradient on."""
    sizes = f"protocol.batch={LABELLED} protocol.ratio={UNLABELLED // LABELLED}".split()
    expected, reference = (passes_of(resolve((*method.split(), *sizes))) for method in (how, "method=fixmatch"))
    assert operations(how) / fixmatch == pytest.approx(expected / reference, rel=0.02)


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
