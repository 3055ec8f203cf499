"""The benchmark of all methods, small."""

import json

import pytest

from benchmarks.machine.settings import reports
from benchmarks.speed.methods import main


def test_rows_are_over_fixmatch(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    size = ["rounds=1", "labelled=4", "ratio=2", "backbone=wrn28_2", "backbone.depth=10"]
    assert main([*size, "only=supervised,meta_t"]) == 0
    assert "meta_t" in capsys.readouterr().out
    found = {row["method"]: row for row in json.loads((reports() / "bench-methods.json").read_text())}
    assert found.keys() == {"fixmatch", "supervised", "meta_t"}
    assert found["fixmatch"]["flops"] == found["fixmatch"]["memory"] == 1
    assert found["fixmatch"]["time"] > 0  # of itself, as far as the machine is steady
    # FixMatch: 3 (4 + 8) + 8 passes of an image; Supervised: 3 * 4; Meta-T: 2 (4 + 8) + 3 * 4 + 2 (4 + 8) more
    assert found["supervised"]["flops"] == pytest.approx(12 / 44, abs=0.01)
    assert found["meta_t"]["flops"] == pytest.approx(104 / 44, abs=0.05)


def test_a_method_that_is_not_there(capsys):
    assert main(["only=fixmach"]) == 2
    assert "only=fixmach: there is no such method" in capsys.readouterr().err
