"""The command that downloads."""

import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored import fields, images, write_cifar

from benchmarks.data import download
from benchmarks.data.download import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets as theirs

    for kind in (theirs.CIFAR10, theirs.SVHN, theirs.STL10):
        monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    monkeypatch.setattr(theirs.cifar, "check_integrity", lambda path, md5: True)


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
    assert main(["cifar10"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cifar10 could not be downloaded into {folder} (")
    assert f"check the network and try again, or make {folder / 'cifar10.npz'} with" in line


def test_command_without_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("SSL_DATA", str(folder / "file/data"))
    assert main(["cifar10"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cannot make {folder / 'file/data'} (")


def test_command_checks_names_before_it_downloads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "_fetch", lambda name: pytest.fail("fetched before the names were checked"))
    assert main(["stl10", "cifr10"]) == 2
    assert "error: no data set 'cifr10' (known are" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_command_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "error: which data sets? e.g. make data" in capsys.readouterr().err
