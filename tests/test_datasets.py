"""Data sets: what is loaded is what was stored, and what cannot be loaded is refused in one clear line."""

import contextlib
import hashlib
import pickle
import urllib.error
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data import sources as datasets
from benchmarks.data.sources import Arrays, load, main
from benchmarks.errors import DataError, UserError

Fields = dict[str, Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    return tmp_path


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


# ---- digits


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


# ---- your own .npz


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
    assert message.endswith("; it must hold " + datasets.FORMAT)


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
        for name in datasets.REQUIRED:
            file.writestr(name, "no array")
    assert "x_train is not an array" in refusal("text")


# ---- unknown and missing


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


# ---- torchvision: its own readers on files of the original formats, only without the checksums


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets as theirs

    for kind in (theirs.CIFAR10, theirs.SVHN, theirs.STL10):
        monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    monkeypatch.setattr(theirs.cifar, "check_integrity", lambda path, md5: True)


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
    (base / "fold_indices.txt").write_text("".join(folds))
    return expected


WRITE = {"cifar10": write_cifar, "cifar100": write_cifar, "svhn": write_svhn, "stl10": write_stl10}


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


# ---- the command


def test_command_describes_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(folder / "mine.npz", **fields(x_unlabeled=images(5)))
    assert main(["digits", "mine"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "digits: 1,297 training + 500 test images of 8x8x1, 10 classes",
        "mine: 9 training + 4 test + 5 unlabelled images of 6x6x3, 3 classes",
    ]


@pytest.mark.usefixtures("unchecked")
def test_command_downloads_through_torchvision(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchvision import datasets as theirs

    calls = []
    monkeypatch.setattr(theirs.CIFAR10, "download", lambda self: calls.append(self.train))
    write_cifar(folder, "cifar10")
    assert main(["cifar10"]) == 0
    assert calls == [True, False]
    assert capsys.readouterr().out == "cifar10: 50 training + 10 test images of 32x32x3, 10 classes\n"


@pytest.mark.parametrize(
    "fault", [urllib.error.URLError("no\nroute"), RuntimeError("File not found or corrupted."), EOFError()]
)
def test_command_without_network(
    fault: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchvision import datasets as theirs

    def download(self: Any) -> None:
        raise fault

    monkeypatch.setattr(theirs.CIFAR10, "download", download)
    assert main(["cifar10"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cifar10 could not be downloaded into {folder} (")
    assert f"check the network and try again, or make {folder / 'cifar10.npz'} with" in line


def test_command_without_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("SSL_DATA", str(folder / "file/data"))
    assert main(["cifar10"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cannot make {folder / 'file/data'} (")


def test_command_checks_names_before_it_downloads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(datasets, "_fetch", lambda name: pytest.fail("fetched before the names were checked"))
    assert main(["stl10", "cifr10"]) == 1
    assert "error: no data set 'cifr10' (known are" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_command_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: python -m benchmarks.data.sources NAME..." in capsys.readouterr().err
