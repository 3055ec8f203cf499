"""What a trained network says of images:  python -m benchmarks.predict RUN IMAGE...|FOLDER|FILE.npz [out=FILE.csv]

RUN is a run's id, its folder or its model.pth. predictions.csv gets a line per image: its file (or its number in x, or
else in x_test, of an .npz), the name of the predicted class, and the confidence in it, its softmax probability. Where
the images' own classes are known, their error is said: by sub-folders that are named like classes, or by y or y_test.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from benchmarks import arguments
from benchmarks.data import npz
from benchmarks.data.files import pictures
from benchmarks.errors import UserError, command
from benchmarks.predict.model import Model, load

AT_ONCE = 1000  #: images that are read before they are predicted


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
