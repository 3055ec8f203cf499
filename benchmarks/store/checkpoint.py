"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file that is checked before use."""

import hashlib
import io
import warnings
from typing import Any

import torch

from benchmarks.errors import UserError, one_line
from benchmarks.store.disk import write_atomically
from benchmarks.store.environment import code_version
from benchmarks.store.run import VERSION, Run


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
            faults.append(f"{path.name} ({one_line(error)[:80]})")
            continue
        if faults:
            warnings.warn(f"{run.folder}: corrupt {', '.join(faults)}; going on from {path.name}", stacklevel=2)
        return state
    if faults:
        raise UserError(f"{run.folder}: no sound checkpoint: {', '.join(faults)}; delete the folder to start over")
    return None
