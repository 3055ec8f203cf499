"""Data sets by name."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from stored import WRITE, fields, images, refusal, write_stl10

from benchmarks.data import sources as datasets
from benchmarks.data.sources import Arrays, load
from benchmarks.errors import DataError, UserError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    return tmp_path


def test_digits_are_one_fixed_stratified_split() -> None:
    data = load("digits")
    assert data.x_train.shape == (1297, 8, 8, 1)
    assert data.x_test.shape == (500, 8, 8, 1)
    assert data.x_train.dtype == data.x_test.dtype == np.uint8
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert (data.x_train.min(), data.x_train.max()) == (0, 255)
    assert np.bincount(data.y_test).tolist() == [50] * 10
    assert np.bincount(data.y_train).tolist() == [128, 132, 127, 133, 131, 132, 131, 129, 124, 130]
    digest = hashlib.sha256(data.x_train.tobytes() + data.y_train.tobytes() + data.y_test.tobytes())
    assert digest.hexdigest()[:16] == "ea1bcbf2f6e09681"
    assert data.x_unlabeled is None
    assert data.folds is None


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data = load("digits")
    ours = np.concatenate([data.x_train, data.x_test])[..., 0]
    theirs = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(image.tobytes() for image in ours) == sorted(image.tobytes() for image in theirs)


@pytest.mark.parametrize(
    ("name", "near"),
    [("cifar-10", "cifar10"), ("CIFAR100", "cifar100"), ("digit", "digits"), ("mnie", "mine")],
)
def test_unknown_name_with_a_near_one(name: str, near: str, folder: Path) -> None:
    for own in ("mine", "cifar10"):
        np.savez(folder / f"{own}.npz", **fields())
    message = refusal(name)
    assert f"did you mean {near!r}?" in message
    assert "(known are digits, cifar10, cifar100, svhn, stl10, mine)" in message


def test_unknown_name(folder: Path) -> None:
    message = refusal("flowers")
    assert "did you mean" not in message
    assert f"make {folder / 'flowers.npz'} with x_train, x_test as uint8 [N,H,W,C]" in message


@pytest.mark.parametrize("name", ["", "../digits", "/etc/passwd", "a b", ".hidden"])
def test_names_stay_in_the_folder(name: str) -> None:
    assert "cannot name a data set" in refusal(name)


@pytest.mark.parametrize("name", datasets.DOWNLOADABLE)
def test_missing_data_set_names_the_command(name: str, folder: Path) -> None:
    assert refusal(name) == f'{name} is missing from {folder}, or corrupt there: make data DATASETS="{name}"'


def test_default_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv("SSL_DATA")
    monkeypatch.chdir(folder)
    (folder / "data").mkdir()
    np.savez(folder / "data/mine.npz", **fields())
    assert len(load("mine").x_train) == 9


def test_data_error_is_a_value_error() -> None:
    assert issubclass(DataError, UserError)
    assert issubclass(DataError, ValueError)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets as theirs

    for kind in (theirs.CIFAR10, theirs.SVHN, theirs.STL10):
        monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    monkeypatch.setattr(theirs.cifar, "check_integrity", lambda path, md5: True)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", datasets.DOWNLOADABLE)
def test_torchvision_formats(name: str, folder: Path) -> None:
    expected = WRITE[name](folder, name)
    data: Arrays = load(name)
    for key, array in expected.items():
        ours = getattr(data, key)
        assert np.array_equal(ours, array), key
        assert ours.flags.c_contiguous
        assert ours.flags.writeable
        assert ours.dtype == (np.uint8 if key[0] == "x" else np.int64)
    assert data.classes == (None if name == "svhn" else tuple("abcdefghij"))
    if name == "stl10":
        assert data.folds is not None
        assert [fold.tolist() for fold in data.folds] == [[k, (k + 3) % 10, (k + 5) % 10] for k in range(10)]
    else:
        assert data.x_unlabeled is None
        assert data.folds is None


@pytest.mark.usefixtures("unchecked")
def test_unreadable_torchvision_files(folder: Path) -> None:
    write_stl10(folder, "stl10")
    (folder / "stl10_binary/fold_indices.txt").unlink()
    assert "stl10 cannot be read" in refusal("stl10")


@pytest.mark.parametrize("n", [3, 1000, 2001])
def test_stl10_is_rearranged_in_place(n: int) -> None:
    original = images(n, size=4)
    stored = original.transpose(0, 3, 2, 1).copy()  # [N, C, W, H], as in the file
    ours = datasets._channels_last(stored.transpose(0, 1, 3, 2))
    assert np.array_equal(ours, original)
    assert np.shares_memory(ours, stored)
