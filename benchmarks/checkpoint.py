"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file that is checked before use."""

import hashlib
import io
import random
import warnings
from typing import Any

import numpy as np
import torch

from benchmarks.disk import write_atomically
from benchmarks.environment import code_version
from benchmarks.errors import UserError
from benchmarks.store import VERSION, Run


def name(stage: int = 0, which: str = "") -> str:
    """The file of a stage of `Method.fit`; which: "" the newest, ".new" before its renaming, ".previous"."""
    return f"checkpoint{f'.stage{stage}' if stage else ''}{which}.pt"


def save(run: Run, state: dict[str, Any], stage: int = 0) -> None:
    """Replace the checkpoint, keeping the one before. `state`: tensors, numbers, strings and containers of them.

    Raises UserError where the disk is full; then the older ones are as they were.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    header = {
        "run": run.id,
        "layout": VERSION,
        "commit": code_version()["commit"],
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    whole = io.BytesIO()
    torch.save(header | {"payload": payload}, whole)
    fresh, newest = run / name(stage, ".new"), run / name(stage)
    write_atomically(fresh, whole.getbuffer())
    if newest.exists():
        newest.replace(run / name(stage, ".previous"))
    fresh.replace(newest)


def load(run: Run, stage: int = 0) -> dict[str, Any] | None:
    """The newest sound state; None where the stage never saved one.

    A corrupt newest file gives way to an older one with a warning. Raises UserError where no file is sound, or where
    one is another run's or a newer version's: a run never starts over in silence.
    """
    faults = []
    for which in (".new", "", ".previous"):
        path = run / name(stage, which)
        if not path.exists():
            continue
        try:
            file = torch.load(path, map_location="cpu", weights_only=True)  # tensors and numbers: executes nothing
            if file["run"] not in run.names():
                raise UserError(
                    f"{path} belongs to run {file['run']}: move it away, or delete its folder to start over"
                )
            if file["layout"] > VERSION:
                raise UserError(f"{path} was written by a newer version (commit {file['commit']}): update this one")
            if hashlib.sha256(file["payload"]).hexdigest() != file["sha256"]:
                raise ValueError("checksum does not match")
            state = torch.load(io.BytesIO(file["payload"]), map_location="cpu", weights_only=True)
        except UserError:
            raise
        except Exception as error:  # a damaged file can make torch's and zip's readers raise nearly anything
            faults.append(f"{path.name} ({' '.join(str(error).split())[:80] or type(error).__name__})")
            continue
        if faults:
            warnings.warn(f"{run.folder}: corrupt {', '.join(faults)}; going on from {path.name}", stacklevel=2)
        return state
    if faults:
        raise UserError(f"{run.folder}: no sound checkpoint: {', '.join(faults)}; delete the folder to start over")
    return None


def rng_state(device: torch.device) -> dict[str, Any]:
    """Every global generator: Python's, NumPy's, torch's, the GPU's."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  whoever uses it
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def set_rng_state(state: dict[str, Any], device: torch.device) -> None:
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
