"""The trained network of a run, in one file with what is needed to use it. `benchmarks.predict` makes a model of it.

It is torch's own format, read with weights_only=True: tensors, numbers and names, so that reading it executes nothing,
as with checkpoints; a format of its own (safetensors) would be one more dependency for the same promise.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.errors import UserError, one_line
from benchmarks.store.disk import write_atomically
from benchmarks.store.run import Run, located

NAME = "model.pth"  #: no ".pt": those are checkpoints, which a finished run has none of
LAYOUT = 1


def save(run: Run, net: nn.Module, classes: Sequence[str], y: Tensor, shape: Sequence[int]) -> None:
    """Keep the network that is graded. Raises UserError where the disk is full.

    classes: their names; y [N]: the labelled inputs' classes, by which a method may have made the network (its `setup`
    gets them); shape: of one input, as it is stored.
    """
    content = {
        "layout": LAYOUT,
        "run": run.id,
        "config": run.config,  # backbone, method and preprocessing
        "classes": list(classes),
        "shape": list(shape),
        "y": y.cpu(),
        "weights": {name: value.cpu() for name, value in net.state_dict().items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(run / NAME, buffer.getbuffer())


def find(name: str | Path) -> Path:
    """The file that is meant by a run's id, a run's folder, or the file itself. Raises UserError."""
    path = located(name)
    if path.is_dir():
        if not (path / NAME).exists():
            if not (path / "result.json").exists():
                raise UserError(f"{path} has no {NAME}: the run is not done; run it to its end")
            why = "it was made with SSL_MODEL=0, or by an older version"
            raise UserError(f"{path} has no {NAME}: {why}; remove the folder and run it again")
        path /= NAME
    return path


def load(path: Path) -> dict[str, Any]:
    """What `save` has written. Raises UserError where the file is something else, damaged, or a newer version's."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        layout = content["layout"]
    except Exception as error:  # a damaged file can make torch's and zip's readers raise nearly anything
        raise UserError(f"{path} is no model of a run, or damaged ({one_line(error)[:80]}): run it again") from error
    if layout > LAYOUT:
        raise UserError(f"{path} was written by a newer version: update this one")
    return content
