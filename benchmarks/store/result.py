"""What result.json holds."""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.store.run import Run


def result(
    run: Run,
    seconds: dict[str, float],
    fingerprint: str,
    report: str,
    classes: Sequence[str],
    chosen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """result.json: the last evaluation, and each metric as `last`, `median_last_20` and `best_on_test`.

    Where there is no test set these are null, but for the validation error.
    `report` names which of these the protocol's papers print; seconds: of training alone (`training.pace.Stopwatch`);
    classes: their names, in the order of their numbers; chosen: the scores of the evaluation that a validation set has
    chosen, if one does, which are `best_on_validation` then, and whose recall is given.
    """
    rows = run.rows()
    summary: dict[str, Any] = {}
    for name in ("error", "top5", "balanced", "validation"):
        if name in rows[-1]:
            values = [row[name] for row in rows]
            known = values[-1] is not None
            summary[name] = {
                "last": values[-1],
                "median_last_20": statistics.median(values[-20:]) if known else None,
                "best_on_test": min(values) if known else None,
            }
            if chosen:
                summary[name]["best_on_validation"] = chosen[name]
    return {
        "report": report,
        **summary,
        "recall": (chosen or rows[-1])["recall"],
        "classes": list(classes),
        "steps": rows[-1]["step"],
        **seconds,
        "split": fingerprint,
    }


def digest(*modules: torch.nn.Module) -> str:
    """sha256 over all parameters and buffers: two runs with one digest ended in the same bits."""
    total = hashlib.sha256()
    for module in modules:
        for name, value in module.state_dict().items():
            total.update(name.encode())
            if isinstance(value, torch.Tensor):
                total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]
