"""Your own images: `$SSL_DATA/<name>/`, a folder a class (torchvision's ImageFolder layout), read and checked.

    <name>/train/<class>/*.png      or the classes' folders right in <name>/, where there is no train/
    <name>/test/<class>/*.png       if there is a test set
    <name>/unlabelled/**/*.png      if there are images without labels

Classes are numbered in the order of their names, images in the order of class and path.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.arrays import Arrays
from benchmarks.data.files import SUFFIXES, pictures
from benchmarks.data.pictures import READERS, channels, read_all
from benchmarks.errors import DataError

BESIDE = ("test", "unlabelled", "unlabeled")
FORMAT = "a folder of images for each class, and optionally test/ with the same folders and unlabelled/ with images"


def read(root: Path, size: int | None) -> Arrays:
    """All images, size x size; or as large as they are, which must be equally large, where `size` is None.

    They are grey where every file is, else of three channels. Raises DataError where something is missing, of another
    size, or cannot be read.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}: make it, with {FORMAT}")
    train = trained(root)
    classes = tuple(path.name for path in _folders(train) if train != root or path.name not in BESIDE)
    if len(classes) < 2:
        raise DataError(f"{train} has {len(classes)} class folders, and two are the least: make {FORMAT}")
    x_train, y_train = _listed(train, classes)
    x_test, y_test = _listed(root / "test", classes) if (root / "test").is_dir() else ([], np.empty(0, np.int64))
    unlabelled = [file for name in BESIDE[1:] if (root / name).is_dir() for file in pictures(root / name)]
    images = _pixels([*x_train, *x_test, *unlabelled], size)
    x = {"train": images[: len(x_train)], "test": images[len(x_train) :][: len(x_test)]}
    return Arrays(
        x["train"],
        y_train,
        x["test"] if x_test else None,
        y_test if x_test else None,
        images[-len(unlabelled) :] if unlabelled else None,
        classes=classes,
        names=tuple(file.relative_to(train).as_posix() for file in x_train),
    )


def trained(root: Path) -> Path:
    """Where the folders of the classes lie."""
    return root / "train" if (root / "train").is_dir() else root


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _listed(folder: Path, classes: Sequence[str]) -> tuple[list[Path], NDArray[np.int64]]:
    """The images of every class, and their classes' numbers. Raises DataError; a test set need not have all classes."""
    if folder.name == "test" and (strange := [path.name for path in _folders(folder) if path.name not in classes]):
        raise DataError(f"{folder / strange[0]} is no class of the training images ({', '.join(classes)}): rename it")
    found = [pictures(folder / name) if (folder / name).is_dir() else [] for name in classes]
    empty = [name for name, files in zip(classes, found, strict=True) if not files]
    if (empty and folder.name != "test") or len(empty) == len(classes):
        raise DataError(f"{folder / empty[0]} has no images ({', '.join(SUFFIXES)}): add some, or remove the folder")
    y = np.repeat(np.arange(len(classes)), [len(files) for files in found])
    return [file for files in found for file in files], y.astype(np.int64)


def _pixels(files: Sequence[Path], size: int | None) -> NDArray[np.uint8]:
    """[N, H, W, C]"""

    def grey(path: Path) -> bool:
        try:
            return channels(path) == 1
        except Exception:  # damaged: the reader will say so
            return True

    with ThreadPoolExecutor(READERS) as pool:
        depth = 1 if all(pool.map(grey, files)) else 3
    found = read_all(files, depth, (size, size) if size else None)
    for file, image in zip(files, found, strict=True):
        if image.shape != found[0].shape:
            sizes = [f"{image.shape[1]}x{image.shape[0]}", f"{found[0].shape[1]}x{found[0].shape[0]}"]
            raise DataError(
                f"{file} has {sizes[0]} pixels, but {files[0]} {sizes[1]}: set task.size, e.g. task.size=32"
            )
    return np.stack(found)
