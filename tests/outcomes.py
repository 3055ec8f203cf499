"""What a run leaves behind, but for what clocks say."""

import json
from typing import Any

import pytest
from omegaconf import DictConfig

from benchmarks.config import plain
from benchmarks.errors import Stopped
from benchmarks.run import execute
from benchmarks.store.run import CLOCKS, Run


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in CLOCKS}


def outcome(run: Run) -> tuple[list[dict[str, Any]], bytes, dict[str, Any]]:
    """Its rows, its pseudo-labels and its result, in which the digest of all weights is."""
    assert run.done
    result = json.loads((run / "result.json").read_text())
    assert "weights" in result and all(row["seconds"] > 0 for row in run.rows())
    return [timeless(row) for row in run.rows()], (run / "pseudo.csv.gz").read_bytes(), timeless(result)


def stopped(cfg: DictConfig, steps: int = 5) -> Run:
    """A run that was asked to stop after so many steps; the trainer asks once a step."""
    left = iter(range(steps - 1, -1, -1))
    with pytest.raises(Stopped, match="with a checkpoint"):
        execute(cfg, stop=lambda: next(left, 0) == 0)
    return Run(plain(cfg))
