"""Everything of a GPU, without one."""

import json

from transcript import Transcripts

from benchmarks.errors import UserError
from benchmarks.speed import gpu
from benchmarks.speed.steps import ours, task_of

SMALL = "backbone.depth=10 backbone.width=1"


def test_the_gpu_part_says_that_there_is_none(capsys):
    assert gpu.main([]) == 2
    assert "no GPU here" in capsys.readouterr().err


def test_the_gpu_part_runs_anywhere_if_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    monkeypatch.setattr(gpu, "METHODS", ("green_meta_t",))
    recorders: list[Transcripts] = []
    monkeypatch.setattr(gpu, "CudaGraphs", lambda: recorders.append(Transcripts()) or recorders[-1])
    few = task_of(4, 8)
    monkeypatch.setattr(gpu, "ours", lambda how, task, *more: ours(how, few, *more))  # bfloat16 may be slow on a CPU
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
