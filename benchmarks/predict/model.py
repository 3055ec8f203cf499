"""A run's kept network as a module: images in, probabilities out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import get_object
from omegaconf import OmegaConf
from torch import Tensor, nn

from benchmarks.assemble import make
from benchmarks.data.augment import Augment
from benchmarks.data.images import Images
from benchmarks.data.pictures import read_all
from benchmarks.data.shares import sized
from benchmarks.errors import UserError
from benchmarks.machine.device import device
from benchmarks.store import model as store
from benchmarks.training.evaluation import predict
from methods.base import Facts, Method

#: whose classes and functions a model may name
OURS = (
    *("methods.", "benchmarks.nets.", "benchmarks.training.schedules.", "torch.optim."),
    *("benchmarks.data.augment.", "benchmarks.data.shares."),
)


class Model(nn.Module):
    """The graded network of a run, with its preprocessing. It stays in evaluation mode."""

    def __init__(self, net: nn.Module, augment: Augment, classes: Sequence[str], shape: Sequence[int]) -> None:
        super().__init__()
        self.net, self.augment = net.requires_grad_(False), augment
        self.classes = tuple(classes)  #: their names, by number
        self.shape = tuple(shape)  #: of one image: channels, height, width
        self.eval()

    def train(self, mode: bool = True) -> "Model":
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [B, C, H, W] -> probabilities of the classes [B, K], float32, on the model's device.

        Any B, for large batches are split. Raises UserError where the images are not those that it was trained for.
        """
        if images.dtype != torch.uint8 or tuple(images.shape[1:]) != self.shape:
            given = f"{str(images.dtype).removeprefix('torch.')} [{', '.join(map(str, images.shape))}]"
            raise UserError(f"this model takes uint8 [B, {', '.join(map(str, self.shape))}], not {given}")
        where = next(self.net.parameters()).device
        if not len(images):
            return torch.empty(0, len(self.classes), device=where)
        return predict(self.net, Images(images.to(where), self.augment))

    def read(self, paths: Sequence[str | Path]) -> Tensor:
        """Image files -> uint8 [B, C, H, W], by the rule of `benchmarks.data.pictures`. Raises DataError."""
        channels, *size = self.shape
        found = read_all([Path(path) for path in paths], channels, (size[0], size[1]))
        return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)


def load(run: str | Path) -> Model:
    """The trained network of a run, on $SSL_DEVICE: `run` is its id, its folder or its model.pth. Raises UserError."""
    kept = store.load(store.find(run))
    if len(kept["shape"]) != 3:
        raise UserError(f"run {kept['run']} was trained on texts, and what is predicted here is images")
    config, (channels, *_) = kept["config"], kept["shape"]
    for target in _targets([config["backbone"], config["method"], config["task"]["augment"]]):
        if not _ours(target):
            raise UserError(f"model of run {kept['run']}: {target} is no part of a model, and will not be executed")
    cfg, y = OmegaConf.create(config), kept["y"]
    with torch.random.fork_rng(devices=[]):  # the initial weights, which are overwritten
        net = make(cfg.backbone, in_channels=channels, n_classes=len(kept["classes"]))
        method: Method = make(cfg.method)
        counts = torch.bincount(y, minlength=len(kept["classes"]))
        net = method.setup(Facts(len(counts), y, counts, 1), net)  # with the heads that the method adds
    net.load_state_dict(kept["weights"])
    net = net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it was graded
    augment = sized(make(cfg.task.augment), kept["shape"])
    return Model(net, augment, kept["classes"], kept["shape"])


def _ours(target: str) -> bool:
    """Is it one of OURS, by its name and by where it is defined? (methods.vat.torch.hub.load is by name alone.)"""
    try:
        return target.startswith(OURS) and f"{get_object(target).__module__}.".startswith(OURS)
    except (ImportError, AttributeError, ValueError):  # there is no such thing
        return False


def _targets(node: Any) -> Iterator[str]:
    """Every `_target_` in a configuration."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "_target_":
            yield str(value)
        yield from _targets(value)
