"""What texts cost."""

import json
from pathlib import Path

import pytest
import torch
import toy_texts as toy

from benchmarks.errors import UserError
from benchmarks.speed import texts


def test_padding_is_what_no_token_fills():
    lengths = torch.tensor([2, 8, 3, 7])
    assert texts.padding(lengths, 0, 10) == (20, 40)
    assert texts.padding(lengths, 1, 10) == (20, 32)
    assert texts.padding(lengths, 2, 10) == (20, 2 * 3 + 2 * 8)
    assert texts.padding(lengths, 4, 10) == (20, 20)


def test_an_encoder_s_step_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    toy.write(tmp_path)
    assert texts.main(["rounds=1", "scale=smoke", *toy.TASK, *toy.NET, "method.lambda_u=1.0"]) == 0
    found = json.loads((tmp_path / "out/bench-text.json").read_text())
    full, cut, buckets = found["padding"].values()
    assert 0 < buckets < cut <= full < 1
    assert found["tokens/s"] > 0 and found["memory: meta_t/fixmatch"] > 1
    assert "padding" in capsys.readouterr().out
    with pytest.raises(UserError, match="digits holds no texts: choose task=imdb"):
        texts.measure(["scale=smoke"], 1)
