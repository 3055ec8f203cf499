"""The device of this process, its fast settings, and the state of every random generator."""

import random
from typing import Any

import numpy as np
import torch

from benchmarks.errors import blame
from benchmarks.machine import malloc, settings
from benchmarks.machine.processors import cores


def device() -> torch.device:
    """$SSL_DEVICE, or the GPU where there is one. Raises UserError where it cannot be used."""
    name = settings.device() or ("cuda" if torch.cuda.is_available() else "cpu")
    with blame(f"cannot use SSL_DEVICE={name}, set it to cpu, cuda or cuda:1"):
        return torch.empty(0, device=name).device


def tune() -> None:
    """This process's fast settings: freed memory stays with it, and what a GPU is faster with.

    No more threads than cores that may be used: torch does not see a container's quota. TF32 in convolutions, where it
    is harmless (in products the TGN's gate would magnify it); cuDNN tries its algorithms, as all steps have one shape;
    streams and graphs are made on the run's own GPU.
    """
    malloc.keep()
    torch.set_num_threads(min(torch.get_num_threads(), cores()))
    if device().type == "cuda":
        torch.cuda.set_device(device())
    torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True


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
