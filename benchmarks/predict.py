"""What a trained network says of images:  python -m benchmarks.predict RUN IMAGE...|FOLDER|FILE.npz [out=FILE.csv]

RUN is a run's id, its folder or its model.pth. predictions.csv gets a line per image: its file (or its number in x, or
else in x_test, of an .npz), the name of the predicted class, and the confidence in it, its softmax probability. Where
the images' own classes are known, their error is said: by sub-folders that are named like classes, or by y or y_test.

    from benchmarks.predict import load

    model = load("8d28457d9686")
    p = model(images)                   # uint8 [B, C, H, W] -> probabilities [B, K]
    names = [model.classes[k] for k in p.argmax(1)]
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks import arguments
from benchmarks.assemble import make
from benchmarks.data import npz
from benchmarks.data.augment import Augment
from benchmarks.data.images import Images
from benchmarks.data.pictures import pictures, read_all
from benchmarks.data.shares import sized
from benchmarks.errors import UserError, command
from benchmarks.machine.device import device
from benchmarks.store import model as store
from benchmarks.training.evaluation import predict
from methods.base import Facts, Method

OURS = ("benchmarks.", "methods.", "torch.optim.")  #: whose classes and functions a model may name
AT_ONCE = 1000  #: images that are read before they are predicted


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
        if not len(images):
            return torch.empty(0, len(self.classes))
        where = next(self.net.parameters()).device
        return predict(self.net, Images(images.to(where), self.augment))

    def read(self, paths: Sequence[Path]) -> Tensor:
        """Image files -> uint8 [B, C, H, W], by the rule of `benchmarks.data.pictures`. Raises DataError."""
        channels, *size = self.shape
        found = read_all(paths, channels, (size[0], size[1]))
        return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)


def load(run: str | Path) -> Model:
    """The trained network of a run, on $SSL_DEVICE: `run` is its id, its folder or its model.pth. Raises UserError."""
    kept = store.load(store.find(run))
    config, (channels, *_) = kept["config"], kept["shape"]
    for target in _targets([config["backbone"], config["method"], config["task"]["augment"]]):
        if not target.startswith(OURS):
            raise UserError(f"model of run {kept['run']}: {target} is none of this suite's, and will not be executed")
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


def _targets(node: Any) -> Iterator[str]:
    """Every `_target_` in a configuration."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "_target_":
            yield str(value)
        yield from _targets(value)


class Asked(NamedTuple):
    """Images to be predicted."""

    names: list[str]
    images: Sequence[Path] | NDArray[np.uint8]  #: files, or uint8 [N, H, W, C]
    truth: Tensor | None  #: int64 [N], their classes, where they are known


def gather(words: Sequence[str], classes: Sequence[str]) -> Asked:
    """The images that the command line names. Raises UserError, DataError."""
    paths = [Path(word) for word in words]
    if missing := [str(path) for path in paths if not path.exists()]:
        raise UserError(f"there is no {missing[0]}: name images, a folder of them, or an .npz")
    if len(paths) == 1 and paths[0].suffix == ".npz":
        x, y = npz.images(paths[0])
        return Asked(list(map(str, range(len(x)))), x, None if y is None else torch.from_numpy(y))
    files = [file for path in paths for file in (pictures(path) if path.is_dir() else [path])]
    if not files:
        raise UserError(f"{', '.join(words)}: no images there")
    number = {name: k for k, name in enumerate(classes)}
    truth = [number.get(file.parent.name, -1) for file in files]
    return Asked(list(map(str, files)), files, None if -1 in truth else torch.tensor(truth))


def predictions(model: Model, images: Sequence[Path] | NDArray[np.uint8]) -> Iterator[Tensor]:
    """Probabilities [B, K] of some images after others."""
    for start in range(0, len(images), AT_ONCE):
        some = images[start : start + AT_ONCE]
        yield model(torch.from_numpy(some).permute(0, 3, 1, 2) if isinstance(some, np.ndarray) else model.read(some))


@command
def main(given: list[str]) -> int:
    asked = arguments.read(given, out="predictions.csv")
    if len(asked.words) < 2:
        raise UserError("which run, and which images? e.g. python -m benchmarks.predict 8d28457d9686 photos/")
    model = load(asked.words[0])
    images, parts = gather(asked.words[1:], model.classes), []
    with tqdm(total=len(images.names), unit=" images") as bar:
        for p in predictions(model, images.images):
            parts.append(p.cpu())
            bar.update(len(p))
    confidence, prediction = torch.cat(parts).max(1)
    write(Path(asked.options["out"]), images.names, [model.classes[k] for k in prediction.tolist()], confidence)
    known = "" if images.truth is None else f", error {100 * (prediction != images.truth).double().mean():.2f} %"
    print(f"{asked.options['out']}: {len(prediction):,} images{known}")
    return 0


def write(path: Path, names: Sequence[str], predicted: Sequence[str], confidence: Tensor) -> None:
    """The CSV. Raises UserError where it cannot be written."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("image", "prediction", "confidence"))
            written = (f"{value:.6f}" for value in confidence.tolist())
            writer.writerows(zip(names, predicted, written, strict=True))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; out=... names another file") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
