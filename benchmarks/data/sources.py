"""Names to arrays: scikit-learn's digits, torchvision's image sets, and your own `$SSL_DATA/<name>.npz`.

`python -m benchmarks.data.sources cifar10 svhn` downloads through torchvision, which compares the checksums.
"""

import difflib
import http.client
import os
import re
import socket
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.errors import DataError, UserError

DOWNLOADABLE = ("cifar10", "cifar100", "svhn", "stl10")
KNOWN = ("digits", *DOWNLOADABLE)
REQUIRED = ("x_train", "y_train", "x_test", "y_test")
FORMAT = "x_train, x_test as uint8 [N,H,W,C], y_train, y_test as integers [N], and optionally x_unlabeled"


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set in memory. Images are uint8, channels last, contiguous; K classes are numbered 0..K-1."""

    x_train: NDArray[np.uint8]  # [N, H, W, C]
    y_train: NDArray[np.int64]  # [N]
    x_test: NDArray[np.uint8]  # [M, H, W, C]
    y_test: NDArray[np.int64]  # [M]
    x_unlabeled: NDArray[np.uint8] | None = None  # [U, H, W, C], images that come without labels
    folds: tuple[NDArray[np.int64], ...] | None = None  # the official labelled sets, as indices into x_train


def folder() -> Path:
    """Where data sets live: `$SSL_DATA`, or ./data."""
    return Path(os.environ.get("SSL_DATA") or "data").expanduser()


def load(name: str) -> Arrays:
    """Load a data set by name; `$SSL_DATA/<name>.npz` goes before whatever else has that name.

    Raises:
        DataError: the data set is unknown, missing or malformed.
    """
    path = _npz(name)
    if path.exists():
        return _from_npz(path, name)
    if name == "digits":
        return _digits()
    if name not in DOWNLOADABLE:
        raise DataError(_unknown(name))
    try:
        return _from_torchvision(name, download=False)
    except RuntimeError as fault:  # torchvision's word for an absent file or a wrong checksum
        raise DataError(f"{name} is missing from {folder()}, or corrupt there: {_make(name)}") from fault
    except OSError as fault:
        raise DataError(f"{name} cannot be read ({_line(fault)}): {_make(name)}") from fault


def _npz(name: str) -> Path:
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"{name!r} cannot name a data set: use letters, digits, '_', '-' and '.'")
    return folder() / f"{name}.npz"


def _make(name: str) -> str:
    return f'make data DATASETS="{name}"'


def _unknown(name: str) -> str:
    names = [*KNOWN, *sorted({path.stem for path in folder().glob("*.npz")} - set(KNOWN))]
    near = difflib.get_close_matches(name.lower(), names, n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"to bring your own, make {_npz(name)} with {FORMAT}"
    return f"no data set {name!r} (known are {', '.join(names)}): {remedy}"


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


def _from_torchvision(name: str, *, download: bool) -> Arrays:
    """Read a torchvision data set, if asked after fetching it; torchvision compares the checksums."""
    from torchvision import datasets

    root = folder()
    if name in ("cifar10", "cifar100"):
        cifar = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
        train, test = (cifar(root, train=part, download=download) for part in (True, False))
        x, x_test = np.ascontiguousarray(train.data), np.ascontiguousarray(test.data)
        return Arrays(x, _int64(train.targets), x_test, _int64(test.targets))

    kind: Any = {"svhn": datasets.SVHN, "stl10": datasets.STL10}[name]
    train, test = (kind(root, split=part, download=download) for part in ("train", "test"))
    x, x_test = _channels_last(train.data), _channels_last(test.data)
    y, y_test = _int64(train.labels), _int64(test.labels)
    if name == "svhn":
        return Arrays(x, y, x_test, y_test)
    unlabeled = _channels_last(kind(root, split="unlabeled").data)
    folds = (root / kind.base_folder / kind.folds_list_file).read_text().splitlines()
    return Arrays(x, y, x_test, y_test, unlabeled, tuple(_int64(fold.split()) for fold in folds))


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


def _int64(labels: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(labels).astype(np.int64)


def _from_npz(path: Path, name: str) -> Arrays:
    """Read and check `path`; nothing in it is unpickled, and arrays that no field is for are not read.

    Raises:
        DataError: the file is unreadable, incomplete or not of the format.
    """
    remedy = f"it must hold {FORMAT}"
    if name in KNOWN:
        remedy += ", or remove it" + (f" and {_make(name)}" if name in DOWNLOADABLE else "")
    try:
        found, fault = _read(path)
    except Exception as reason:  # a damaged file can make numpy's and zipfile's readers raise nearly anything
        raise DataError(f"{path}: cannot be read ({_line(reason)}); {remedy}") from reason
    fault = fault or _fault(found)
    if fault:
        raise DataError(f"{path}: {_line(fault)}; {remedy}")
    fields: dict[str, Any] = {
        key: np.ascontiguousarray(array) if key[0] == "x" else _int64(array) for key, array in found.items()
    }
    return Arrays(**fields)


def _read(path: Path) -> tuple[dict[str, Any], str | None]:
    """The arrays of a .npz by name, or why they were not read."""
    if path.is_file() and not zipfile.is_zipfile(path):
        return {}, "is no .npz archive, or only a part of one"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        missing = [key for key in REQUIRED if key not in file]
        if missing:
            return {}, f"lacks {', '.join(missing)} (it holds {', '.join(file) or 'nothing'})"
        fields = [*REQUIRED, *(["x_unlabeled"] if "x_unlabeled" in file else [])]
        stray = [key for key in file if key[:2] in ("x_", "y_") and key not in fields]
        if stray:
            return {}, f"holds {stray[0]}, which is not read"
        return {key: file[key] for key in fields}, None


def _fault(found: dict[str, Any]) -> str | None:
    """What is wrong with the arrays of a .npz, or None."""
    for key, array in found.items():
        if not isinstance(array, np.ndarray):
            return f"{key} is not an array"
        if key[0] == "y":
            if array.dtype.kind not in "iu" or array.ndim != 1:
                return f"{key} is {array.dtype} of shape {array.shape}, not integers of shape [N]"
        elif array.dtype != np.uint8:
            return f"{key} is {array.dtype}, not uint8"
        elif array.ndim != 4 or 0 in array.shape or array.shape[3] not in (1, 3):
            return f"{key} has shape {array.shape}, not [N,H,W,C] with C = 1 or 3"
        elif array.shape[1:] != found["x_train"].shape[1:]:
            return f"{key} has images of {_size(array)}, but x_train of {_size(found['x_train'])}"
    for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
        if len(found[x]) != len(found[y]):
            return f"{x} has {len(found[x])} images, but {y} has {len(found[y])} labels"
    classes = np.unique(found["y_train"])
    low, high, last = classes[0], classes[-1], len(classes) - 1
    if low != 0 or high != last:
        return f"y_train has {last + 1} classes numbered from {low} to {high}, not from 0 to {last}"
    outside = np.setdiff1d(found["y_test"], classes)
    if len(outside):
        return f"y_test has the label {outside[0]}, which y_train lacks"
    return None


def _size(images: NDArray[Any]) -> str:
    return "x".join(map(str, images.shape[1:]))


def _line(fault: Exception | str) -> str:
    """A fault in one printable line; a file's own words may be in it."""
    text = "".join(c if c.isprintable() else " " for c in str(fault))
    return " ".join(text.split()) or type(fault).__name__


def _fetch(name: str) -> str:
    """Make sure that `name` can be loaded, by downloading it if that is possible; describe it in one line.

    Raises:
        DataError: it can neither be loaded nor downloaded.
    """
    if name in DOWNLOADABLE and not _npz(name).exists():
        try:
            folder().mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise DataError(f"cannot make {folder()} ({_line(fault)}): set SSL_DATA to another folder") from fault
        try:
            arrays = _from_torchvision(name, download=True)
        except (OSError, RuntimeError, EOFError, http.client.HTTPException, tarfile.TarError) as fault:
            raise DataError(
                f"{name} could not be downloaded into {folder()} ({_line(fault)}): "
                f"check the network and try again, or make {_npz(name)} with {FORMAT}"
            ) from fault
    else:
        arrays = load(name)
    classes = int(arrays.y_train.max()) + 1
    extra = "" if arrays.x_unlabeled is None else f" + {len(arrays.x_unlabeled):,} unlabelled"
    count = f"{len(arrays.x_train):,} training + {len(arrays.x_test):,} test{extra}"
    return f"{name}: {count} images of {_size(arrays.x_train)}, {classes} classes"


def main(names: Sequence[str]) -> int:
    if not names or any(name.startswith("-") for name in names):
        print(f"usage: python -m benchmarks.data.sources NAME...   (of {', '.join(KNOWN)})", file=sys.stderr)
        return 2
    try:
        for name in names:  # a slip in the last name must not cost the first one's download
            if name not in KNOWN and not _npz(name).exists():
                raise DataError(_unknown(name))
        for name in names:
            print(_fetch(name), flush=True)
    except UserError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    socket.setdefaulttimeout(60)  # a dead connection ends in an error
    sys.exit(main(sys.argv[1:]))
