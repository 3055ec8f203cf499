"""What a configuration names, made: a fault in it is one line."""

import os
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks import memory
from benchmarks.errors import UserError, blame
from benchmarks.graph import CudaGraphs, Recorder
from benchmarks.task import Task


def make(node: DictConfig, **more: Any) -> Any:
    """What `_target_` names, with the node's numbers; `name` is only the choice's name."""
    settings = {key: value for key, value in node.items() if key != "name"}
    for key, value in settings.items():  # a nested method or backbone has a name too
        if isinstance(value, DictConfig) and "name" in value:
            settings[key] = OmegaConf.create({k: v for k, v in value.items() if k != "name"})
    try:
        return instantiate(settings, **more, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise UserError(f"cannot make {node.get('name', node._target_)}: {' '.join(str(cause).split())}") from error


def device() -> torch.device:
    """$SSL_DEVICE, or the GPU where there is one."""
    name = os.environ.get("SSL_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    with blame(f"cannot use SSL_DEVICE={name}, set it to cpu, cuda or cuda:1"):
        return torch.empty(0, device=name).device


def compiled() -> bool:
    """Whether $SSL_COMPILE=1 asks for torch.compile: it pays back on a GPU, not on a CPU (docs/performance.md)."""
    return os.environ.get("SSL_COMPILE", "0") == "1"


def recorder() -> Recorder | None:
    """What $SSL_GRAPH=1 asks for: steps as CUDA graphs. Raises UserError where there is no GPU."""
    if os.environ.get("SSL_GRAPH", "0") != "1":
        return None
    if device().type != "cuda":
        raise UserError(f"SSL_GRAPH=1 needs a GPU, and this run is on {device()}: set SSL_GRAPH=0")
    return CudaGraphs()


def tune() -> None:
    """This process's fast settings: freed memory stays with it, and what a GPU is faster with.

    TF32 in convolutions, where it is harmless (in products the TGN's gate would magnify it); cuDNN tries its
    algorithms, as all steps have one shape; streams and graphs are made on the run's own GPU.
    """
    memory.keep()
    if device().type == "cuda":
        torch.cuda.set_device(device())
    torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True


def network(node: DictConfig, task: Task) -> torch.nn.Module:
    """The backbone, once it has taken two of the task's inputs. Raises UserError where they do not go together."""
    net: torch.nn.Module = make(node, in_channels=task.unlabelled.shape[1], n_classes=task.n_classes)
    size = "x".join(map(str, task.unlabelled.shape[2:]))
    with blame(f"task.augment does not suit images of {size}"):
        x = task.augment("strong", task.unlabelled[:2], torch.Generator())
    with blame(f"backbone={node.name} cannot take images of {size}, choose another"), torch.no_grad():
        net.eval()(x)
    return net.train()
