"""Your own .npz: what is loaded is what was stored, and the rest is refused in one clear line."""

import contextlib
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored import Fields, fields, images, refusal

from benchmarks.data import npz
from benchmarks.data.sources import load
from benchmarks.errors import DataError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, ">i8"])
def test_npz_round_trip(save: Callable[..., None], dtype: Any, folder: Path) -> None:
    stored = fields(x_unlabeled=images(5, seed=2))
    stored["y_train"] = stored["y_train"].astype(dtype)
    save(folder / "mine.npz", **stored, inexact_train=np.arange(3))
    data = load("mine")
    for name, array in stored.items():
        assert np.array_equal(getattr(data, name), array)
    assert data.y_train.dtype == np.int64
    assert data.y_train.dtype.isnative


def test_npz_arrays_are_contiguous_and_writable(folder: Path) -> None:
    stored = fields(x_train=np.asfortranarray(images(9)))
    np.savez(folder / "mine.npz", **stored)
    x = load("mine").x_train
    assert x.flags.c_contiguous
    assert x.flags.writeable  # torch.from_numpy asks for it
    assert np.array_equal(x, stored["x_train"])


@pytest.mark.parametrize("name", ["cifar10", "stl10", "digits"])
def test_npz_goes_before_everything_else(name: str, folder: Path) -> None:
    np.savez(folder / f"{name}.npz", **fields())
    assert len(load(name).x_train) == 9


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"y_test": None}, "lacks y_test (it holds x_train, y_train, x_test)"),
        ({"x_train": None, "y_train": None}, "lacks x_train, y_train"),
        ({"x_unlabelled": images(2)}, "holds x_unlabelled, which is not read"),
        ({"x_\n\x1b[31m": images(2)}, "holds x_ [31m, which is not read"),
        ({"x_train": images(9) / 255}, "x_train is float64, not uint8"),
        ({"x_test": images(4).astype(np.int64)}, "x_test is int64, not uint8"),
        ({"x_train": images(9)[..., 0]}, "x_train has shape (9, 6, 6), not [N,H,W,C]"),
        ({"x_train": images(9).transpose(0, 3, 1, 2)}, "x_train has shape (9, 3, 6, 6), not [N,H,W,C]"),
        ({"x_train": images(0)}, "x_train has shape (0, 6, 6, 3)"),
        ({"x_test": images(4, size=5)}, "x_test has images of 5x5x3, but x_train of 6x6x3"),
        ({"x_unlabeled": images(4, channels=1)}, "x_unlabeled has images of 6x6x1, but x_train of 6x6x3"),
        ({"y_train": np.eye(9)}, "y_train is float64 of shape (9, 9), not integers of shape [N]"),
        ({"y_train": np.array(list("abcabcabc"))}, "y_train is <U1 of shape (9,), not integers"),
        ({"y_test": np.array([0, 1])}, "x_test has 4 images, but y_test has 2 labels"),
        ({"y_train": np.arange(9) % 3 + 1}, "y_train has 3 classes numbered from 1 to 3, not from 0 to 2"),
        ({"y_train": np.arange(9) % 3 - 1}, "y_train has 3 classes numbered from -1 to 1, not from 0 to 2"),
        ({"y_train": np.array([0, 1, 7] * 3)}, "y_train has 3 classes numbered from 0 to 7, not from 0 to 2"),
        ({"y_test": np.array([0, 1, 2, 3])}, "y_test has the label 3, which y_train lacks"),
        ({"y_test": np.array([0, 1, 2, -1])}, "y_test has the label -1, which y_train lacks"),
    ],
)
def test_malformed_npz(changed: Fields, fault: str, folder: Path) -> None:
    np.savez(folder / "mine.npz", **fields(**changed))
    message = refusal("mine")
    assert message.startswith(f"{folder / 'mine.npz'}: {fault}")
    assert message.endswith("; it must hold " + npz.FORMAT)


def test_malformed_npz_of_a_known_name_can_be_fetched(folder: Path) -> None:
    np.savez(folder / "svhn.npz", x_train=images(3))
    assert refusal("svhn").endswith('or remove it and make data DATASETS="svhn"')
    np.savez(folder / "digits.npz", x_train=images(3))
    assert refusal("digits").endswith("or remove it")


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_nothing_is_unpickled(folder: Path) -> None:
    mark = folder / "unpickled"
    np.savez(folder / "objects.npz", **fields(y_train=np.array([Bomb(mark)] * 9, dtype=object)))
    (folder / "pickle.npz").write_bytes(pickle.dumps(Bomb(mark)))
    assert "cannot be read (Object arrays cannot be loaded when allow_pickle=False)" in refusal("objects")
    assert "is no .npz archive" in refusal("pickle")
    assert not mark.exists()


def test_damaged_npz(folder: Path) -> None:
    np.savez(folder / "whole.npz", **fields())
    whole = (folder / "whole.npz").read_bytes()
    rng = np.random.default_rng(0)
    flipped = []
    for _ in range(100):
        copy = bytearray(whole)
        copy[rng.integers(300)] ^= 1 + rng.integers(255)  # in the headers, where it hurts
        flipped.append(bytes(copy))
    cut = [whole[: int(n)] for n in rng.integers(0, len(whole), 30)]
    for n, content in enumerate([*cut, b"", b"text", whole + whole[:50], *flipped]):
        path = folder / f"damaged{n}.npz"
        path.write_bytes(content)
        if n < len(cut):
            assert "is no .npz archive, or only a part of one" in refusal(path.stem)
        else:  # a flipped bit that matters to nobody may pass
            with contextlib.suppress(DataError):
                load(path.stem)


def test_other_things_called_npz(folder: Path) -> None:
    (folder / "folder.npz").mkdir()
    assert "cannot be read" in refusal("folder")
    with (folder / "array.npz").open("wb") as stream:
        np.save(stream, images(3))
    assert "is no .npz archive" in refusal("array")
    with zipfile.ZipFile(folder / "text.npz", "w") as file:
        for name in npz.REQUIRED:
            file.writestr(name, "no array")
    assert "x_train is not an array" in refusal("text")
