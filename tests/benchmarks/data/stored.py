"""Data sets as files, in the formats that they come in."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data.sources import load
from benchmarks.errors import DataError

Fields = dict[str, Any]


def images(n: int, size: int = 6, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def fields(**changed: Any) -> Fields:
    """A valid data set of 3 classes, with some arrays changed, or left out where None."""
    valid = {
        "x_train": images(9),
        "y_train": np.arange(9) % 3,
        "x_test": images(4, seed=1),
        "y_test": np.array([0, 1, 2, 0]),
    }
    return {name: array for name, array in {**valid, **changed}.items() if array is not None}


def refusal(name: str) -> str:
    """The message with which `name` is refused."""
    with pytest.raises(DataError) as caught:
        load(name)
    message = str(caught.value)
    assert "\n" not in message
    return message


def write_cifar(root: Path, name: str) -> Fields:
    base, key, files = {
        "cifar10": ("cifar-10-batches-py", "labels", [*(f"data_batch_{k}" for k in "12345"), "test_batch"]),
        "cifar100": ("cifar-100-python", "fine_labels", ["train", "test"]),
    }[name]
    (root / base).mkdir()
    expected = fields(x_train=images(10 * (len(files) - 1), 32), x_test=images(10, 32, seed=1))
    expected["y_train"], expected["y_test"] = np.arange(len(expected["x_train"])) % 10, np.arange(10)
    x = np.concatenate([expected["x_train"], expected["x_test"]]).transpose(0, 3, 1, 2).reshape(-1, 3072)
    y = np.concatenate([expected["y_train"], expected["y_test"]]).tolist()
    for k, file in enumerate(files):
        part = slice(10 * k, 10 * k + 10)
        (root / base / file).write_bytes(pickle.dumps({"data": x[part], key: y[part]}))
    (root / base / ("batches.meta" if name == "cifar10" else "meta")).write_bytes(
        pickle.dumps({"label_names": list("abcdefghij"), "fine_label_names": list("abcdefghij")})
    )
    return expected


def write_svhn(root: Path, name: str) -> Fields:
    from scipy.io import savemat

    expected = fields(x_train=images(20, 32), x_test=images(10, 32, seed=1), y_test=np.arange(10))
    expected["y_train"] = np.arange(20) % 10
    for part in ("train", "test"):
        y = expected[f"y_{part}"].astype(np.uint8)
        y[y == 0] = 10
        x = expected[f"x_{part}"].transpose(1, 2, 3, 0)
        savemat(root / f"{part}_32x32.mat", {"X": x, "y": y[:, None]})
    return expected


def write_stl10(root: Path, name: str) -> Fields:
    base = root / "stl10_binary"
    base.mkdir()
    expected = fields(x_train=images(10, 96), x_test=images(10, 96, seed=1), x_unlabeled=images(12, 96, seed=2))
    expected["y_train"] = expected["y_test"] = np.arange(10)
    for part in ("train", "test", "unlabeled"):
        expected[f"x_{part}"].transpose(0, 3, 2, 1).tofile(base / f"{part}_X.bin")  # columns first
        if part != "unlabeled":
            (expected[f"y_{part}"] + 1).astype(np.uint8).tofile(base / f"{part}_y.bin")
    folds = [f"{k} {(k + 3) % 10} {(k + 5) % 10} \n" for k in range(10)]
    (base / "class_names.txt").write_text("\n".join("abcdefghij"))
    (base / "fold_indices.txt").write_text("".join(folds))
    return expected


WRITE = {"cifar10": write_cifar, "cifar100": write_cifar, "svhn": write_svhn, "stl10": write_stl10}
