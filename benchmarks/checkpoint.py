"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file that is checked before use."""

import hashlib
import io
import pickle
import warnings
from typing import Any

import torch

from benchmarks.errors import UserError
from benchmarks.store import Run, code_version, write_atomically


def save(run: Run, state: dict[str, Any]) -> None:
    """Replace checkpoint.pt, keeping the one before. `state`: tensors, numbers, strings and containers of them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    header = {"run": run.id, "commit": code_version()["commit"], "sha256": hashlib.sha256(payload).hexdigest()}
    whole = io.BytesIO()
    torch.save(header | {"payload": payload}, whole)
    newest = run / "checkpoint.pt"
    fresh = newest.with_name("checkpoint.new.pt")
    write_atomically(fresh, whole.getvalue())
    if newest.exists():
        newest.replace(run / "checkpoint.previous.pt")
    fresh.replace(newest)


def load(run: Run) -> dict[str, Any] | None:
    """The newest sound state; None where the run never saved one.

    A corrupt newest file gives way to an older one with a warning. Raises UserError where no file is sound, or where
    one is another run's: a run never starts over in silence.
    """
    faults = []
    for name in ("checkpoint.new.pt", "checkpoint.pt", "checkpoint.previous.pt"):
        path = run / name
        if not path.exists():
            continue
        try:
            file = torch.load(path, map_location="cpu", weights_only=True)
            if file["run"] != run.id:
                raise UserError(
                    f"{path} belongs to run {file['run']}: move it away, or delete its folder to start over"
                )
            if hashlib.sha256(file["payload"]).hexdigest() != file["sha256"]:
                raise ValueError("checksum does not match")
            state = torch.load(io.BytesIO(file["payload"]), map_location="cpu", weights_only=True)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            faults.append(f"{name} ({' '.join(str(error).split())[:80]})")
            continue
        if faults:
            warnings.warn(f"{run.folder}: corrupt {', '.join(faults)}; going on from {name}", stacklevel=2)
        return state
    if faults:
        raise UserError(f"{run.folder}: no sound checkpoint: {', '.join(faults)}; delete the folder to start over")
    return None
