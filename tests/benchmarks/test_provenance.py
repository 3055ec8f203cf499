"""A result's identity: the same command never answers with a number of other data, and other code is named."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import provenance
from benchmarks.config import compose, plain
from benchmarks.data import files
from benchmarks.errors import UserError
from benchmarks.run import execute, main
from benchmarks.store import environment
from benchmarks.store.run import Run

OWN = [
    "scale=smoke", "method=supervised", "task=npz", "task.name=own", "task.labels=4", "task.subset=null",
    "task.augment.mean=[0.5]", "task.augment.std=[0.25]",
]  # fmt: skip


def write(folder: Path, shift: int = 0, n: int = 40) -> None:
    """A data set of two classes: dark and light images; with shift=1 every label is the other one."""
    y = np.arange(n) % 2
    x = np.repeat((40 + 150 * y).astype(np.uint8), 64).reshape(n, 8, 8, 1)
    y = (y + shift) % 2
    np.savez(folder / "own.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    (tmp_path / "data").mkdir()
    write(tmp_path / "data")
    return tmp_path / "data"


def interrupted(cfg, after=2):
    asked = iter(range(1, 100))
    with pytest.raises(KeyboardInterrupt):
        execute(cfg, stop=lambda: next(asked) > after)


def test_other_labels_are_another_question(data, capsys, monkeypatch):
    assert main(OWN) == 0
    assert main(OWN) == 0  # done is done
    write(data, shift=1)
    assert main(OWN) == 2
    assert "the data set own has changed: bring that back, or SSL_STALE=anew starts over" in capsys.readouterr().err
    monkeypatch.setenv("SSL_STALE", "anew")
    run = execute(compose(OWN))
    assert run.recorded["data"] == files.content({"name": "own", "labels": 4})
    kept = list((run.folder.parent / ".stale").iterdir())
    assert len(kept) == 1 and (kept[0] / "result.json").exists()
    monkeypatch.setenv("SSL_STALE", "name")
    write(data)
    with pytest.raises(UserError, match="has changed"):
        execute(compose(OWN))


@pytest.mark.parametrize("change", [{"shift": 1}, {"n": 30}], ids=["labels", "fewer images"])
def test_half_a_training_does_not_go_on_with_other_data(change, data, monkeypatch):
    cfg = compose(OWN)
    interrupted(cfg)
    write(data, **change)
    with pytest.raises(UserError, match="the data set own has changed"):
        execute(cfg)
    monkeypatch.setenv("SSL_STALE", "anew")
    rows = []
    assert execute(cfg, rows.append).done
    assert [row["step"] for row in rows] == [2, 4]  # from the start


def test_half_a_training_goes_on_where_it_began(data, monkeypatch):
    cfg = compose(OWN)
    interrupted(cfg)
    run = Run(plain(cfg))
    run.remember(device="cuda:0")
    with pytest.raises(UserError, match="it was begun on cuda, and the random numbers of cpu are others"):
        execute(cfg)
    run.remember(device="cpu", layout=1)
    with pytest.raises(UserError, match="it was begun by an older version"):
        execute(cfg)


def test_other_code_is_named_and_taken_or_not(data, capsys, monkeypatch):
    assert main(OWN) == 0
    run = Run(plain(compose(OWN)))
    code = provenance.code(run.config)
    assert {"methods.supervised", "methods.functional", "benchmarks.nets.tiny", "benchmarks.training.student"} <= set(
        code
    )
    assert not any(name.startswith(("reports", "benchmarks.machine", "benchmarks.store")) for name in code)
    run.remember(code=code | {"methods.supervised": "0" * 12})
    capsys.readouterr()
    assert main(OWN) == 0
    assert "made by other code (methods.supervised): SSL_STALE=anew runs it again" in capsys.readouterr().out
    monkeypatch.setenv("SSL_STALE", "accept")
    assert main(OWN) == 0
    monkeypatch.setenv("SSL_STALE", "name")
    assert provenance.stale(run) == ""


def test_comments_and_docstrings_are_no_code(tmp_path):
    first, second, third = (tmp_path / f"{name}.py" for name in "abc")
    first.write_text('"""One."""\n\n\ndef f(x):\n    """Two."""\n    return x + 1  # three\n')
    second.write_text("def f(x):\n    return x + 1\n")
    third.write_text("def f(x):\n    return x + 2\n")
    a, b, c = (provenance._source(path)[0] for path in (first, second, third))
    assert a == b != c


def test_a_file_is_read_once(data, monkeypatch):
    before = files.content({"name": "own", "labels": 4})
    monkeypatch.setattr(files, "BLOCK", "no number")  # reading would fail
    assert files.content({"name": "own", "labels": 4}) == before
    write(data, shift=1)
    with pytest.raises(TypeError):
        files.content({"name": "own", "labels": 4})
    assert files.content({"name": "cifar10", "labels": 4}) is None


def test_the_patterns_are_where_torchvision_keeps_its_files():
    from torchvision import datasets

    for name, kind in (("cifar10", datasets.CIFAR10), ("cifar100", datasets.CIFAR100), ("stl10", datasets.STL10)):
        assert {Path(pattern).parent.name for pattern in files.PATTERNS[name]} == {kind.base_folder}
    names = {kind[1] for kind in datasets.SVHN.split_list.values()}
    assert set(files.PATTERNS["svhn"]) <= names


def test_what_is_not_known_is_null(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "a/b/environment.py"))  # no checkout
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    environment.code_version.cache_clear()
    assert environment.code_version() == {"commit": None, "dirty": None}
    environment.code_version.cache_clear()


def test_an_untracked_method_is_a_change(tmp_path, monkeypatch):
    for name in ("methods", "benchmarks/store"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.py").write_text("")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull})
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "benchmarks/store/environment.py"))
    found = []
    for name in ("report.txt", "methods/new.py"):
        environment.code_version.cache_clear()
        found.append(environment.code_version()["dirty"])
        (tmp_path / name).write_text("")
    environment.code_version.cache_clear()
    assert [*found, environment.code_version()["dirty"]] == [False, False, True]
    environment.code_version.cache_clear()


def test_a_class_without_test_images_is_null_in_json(data):
    y = np.arange(40) % 2
    x = np.repeat((40 + 150 * y).astype(np.uint8), 64).reshape(40, 8, 8, 1)
    np.savez(data / "own.npz", x_train=x, y_train=y, x_test=x[:10:2], y_test=y[:10:2])
    run = execute(compose(OWN))
    text = (run / "result.json").read_text()
    assert "NaN" not in text and json.loads(text)["recall"][1] is None
