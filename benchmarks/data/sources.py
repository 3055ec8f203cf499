"""Names to arrays: scikit-learn's digits, torchvision's image sets, your own `.npz` or folder in $SSL_DATA."""

import difflib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import folder, npz
from benchmarks.data.arrays import Arrays, int64, printable
from benchmarks.errors import DataError
from benchmarks.machine import settings

DOWNLOADABLE = ("cifar10", "cifar100", "svhn", "stl10")
KNOWN = ("digits", *DOWNLOADABLE)


def load(name: str) -> Arrays:
    """Load a data set by name; `$SSL_DATA/<name>.npz` goes before whatever else has that name.

    Raises:
        DataError: the data set is unknown, missing or malformed.
    """
    path = own(name)
    if path.exists():
        again = f" and {command(name)}" if name in DOWNLOADABLE else ""
        return npz.read(path, f", or remove it{again}" if name in KNOWN else "")
    if name == "digits":
        return _digits()
    if name not in DOWNLOADABLE:
        raise unknown(name)
    try:
        return from_torchvision(name, download=False)
    except RuntimeError as fault:  # torchvision's word for an absent file or a wrong checksum
        raise DataError(f"{name} is missing from {settings.data()}, or corrupt there: {command(name)}") from fault
    except OSError as fault:
        raise DataError(f"{name} cannot be read ({printable(fault)}): {command(name)}") from fault


def load_folder(name: str, size: int | None) -> Arrays:
    """Load `$SSL_DATA/<name>/`, the user's folder of images. Raises DataError."""
    return folder.read(own(name).with_name(name), size)


def text(path: Path) -> str:
    """The text of a file beside the data. Raises DataError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read ({printable(fault)}): it must be text, an image a line") from fault


def own(name: str) -> Path:
    """Where the user's data set of that name would lie."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"{name!r} cannot name a data set: use letters, digits, '_', '-' and '.'")
    return settings.data() / f"{name}.npz"


def command(name: str) -> str:
    """What downloads it."""
    return f'make data DATASETS="{name}"'


def unknown(name: str) -> DataError:
    names = [*KNOWN, *sorted({path.stem for path in settings.data().glob("*.npz")} - set(KNOWN))]
    near = difflib.get_close_matches(name.lower(), names, n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"to bring your own, make {own(name)} with {npz.FORMAT}"
    if (settings.data() / name).is_dir():
        remedy = f"a folder of images is task=folder task.name={name}"
    return DataError(f"no data set {name!r} (known are {', '.join(names)}): {remedy}")


def _digits() -> Arrays:
    """1,297 training and 500 test images of 8x8; the test set is 50 of each class, from one fixed seed."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    rng = np.random.default_rng(0)
    test = np.zeros(len(labels), dtype=bool)
    for k in range(10):
        test[rng.permutation(np.flatnonzero(labels == k))[:50]] = True
    return Arrays(images[~test], labels[~test], images[test], labels[test])


def from_torchvision(name: str, *, download: bool) -> Arrays:
    """Read a torchvision data set, if asked after fetching it; torchvision compares the checksums."""
    from torchvision import datasets

    root = settings.data()
    if name in ("cifar10", "cifar100"):
        cifar = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
        train, test = (cifar(root, train=part, download=download) for part in (True, False))
        x, x_test = np.ascontiguousarray(train.data), np.ascontiguousarray(test.data)
        return Arrays(x, int64(train.targets), x_test, int64(test.targets), classes=tuple(train.classes))

    kind: Any = {"svhn": datasets.SVHN, "stl10": datasets.STL10}[name]
    train, test = (kind(root, split=part, download=download) for part in ("train", "test"))
    x, x_test = _channels_last(train.data), _channels_last(test.data)
    y, y_test = int64(train.labels), int64(test.labels)
    if name == "svhn":
        return Arrays(x, y, x_test, y_test)
    unlabeled = _channels_last(kind(root, split="unlabeled").data)
    folds = (root / kind.base_folder / kind.folds_list_file).read_text().splitlines()
    classes = tuple(getattr(train, "classes", ())) or None  # where the file of their names is there
    return Arrays(x, y, x_test, y_test, unlabeled, tuple(int64(fold.split()) for fold in folds), classes)


def _channels_last(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, C, H, W] -> contiguous [N, H, W, C]; consumes its argument.

    STL-10 lies in memory as [N, C, W, H]; it is rearranged in place, for its 100,000 images take 2.8 GB.
    """
    n, c, h, w = images.shape
    store = images.swapaxes(2, 3).reshape(n, c * h * w)  # for STL-10 a view
    for start in range(0, n, 1000):
        block = images[start : start + 1000].transpose(0, 2, 3, 1).copy()
        store[start : start + 1000] = block.reshape(len(block), -1)
    return store.reshape(n, h, w, c)
