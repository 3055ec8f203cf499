"""Your own folder of images: what is loaded is what lies there, and the rest is refused in one clear line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from miniatures import augmenting
from PIL import Image

from benchmarks.config import compose
from benchmarks.data import files, folder
from benchmarks.data import task as tasks
from benchmarks.data.task import Answers, Task
from benchmarks.errors import DataError, UserError
from benchmarks.run import execute, main

Make = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$SSL_DATA/pets, not yet made."""
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    return tmp_path / "data" / "pets"


def draw(path: Path, value: int, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    """An image of one colour, `value` in each channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)


def fill(root: Path, n: int = 6, **how: object) -> None:
    """n images of each class: cats are dark and dogs are light, each image a little lighter than the one before."""
    for c, name in enumerate(("cat", "dog")):
        for k in range(n):
            draw(root / name / f"{k:02}.png", 40 + 150 * c + k, **how)


def build(**changed: object) -> tuple[Task, Answers]:
    settings = {
        "name": "pets", "size": None, "seed": 0, "labels": "all", "balance": "equal", "validation": 0,
        "include_labelled": True, "imbalance": None, "subset": None, "augment": augmenting(1),
    }  # fmt: skip
    return tasks.build(**settings | changed)


@pytest.mark.parametrize("below", ["", "train"])
def test_a_folder_a_class(below: str, root: Path) -> None:
    fill(root / below)
    data = folder.read(root, None)
    assert data.classes == ("cat", "dog")
    assert data.x_train.shape == (12, 8, 8, 1) and data.x_train.flags.c_contiguous
    assert data.x_train[:, 0, 0, 0].tolist() == [*range(40, 46), *range(190, 196)]
    assert data.y_train.tolist() == [0] * 6 + [1] * 6
    assert data.names is not None and data.names[:2] == ("cat/00.png", "cat/01.png")
    assert data.x_test is data.y_test is data.x_unlabeled is None


@pytest.mark.parametrize("spelt", ["unlabelled", "unlabeled"])
def test_a_test_set_and_images_without_labels(spelt: str, root: Path) -> None:
    fill(root)
    fill(root / "test", 2)
    for k in range(3):
        draw(root / spelt / "deep" / f"{k}.png", k)
    data = folder.read(root, None)
    assert data.classes == ("cat", "dog") and len(data.x_train) == 12
    assert data.x_test is not None and data.x_test[:, 0, 0, 0].tolist() == [40, 41, 190, 191]
    assert data.y_test is not None and data.y_test.tolist() == [0, 0, 1, 1]
    assert data.x_unlabeled is not None and data.x_unlabeled[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_one_file_in_colour_makes_all_of_three_channels(root: Path) -> None:
    fill(root)
    assert folder.read(root, None).x_train.shape[3] == 1
    draw(root / "cat" / "99.png", 7, mode="RGBA")
    assert folder.read(root, None).x_train.shape == (13, 8, 8, 3)


def test_sizes_are_made_equal(root: Path) -> None:
    fill(root)
    draw(root / "cat" / "99.png", 7, size=(30, 20))
    assert folder.read(root, 16).x_train.shape == (13, 16, 16, 1)
    with pytest.raises(DataError) as caught:
        folder.read(root, None)
    assert f"{root / 'cat/99.png'} has 30x20 pixels, but {root / 'cat/00.png'} 8x8: set task.size" in str(caught.value)


def test_what_is_no_data_set(root: Path) -> None:
    def refused() -> str:
        with pytest.raises(DataError) as caught:
            folder.read(root, 8)
        return str(caught.value)

    assert refused() == f"there is no folder {root}: make it, with {folder.FORMAT}"
    draw(root / "cat" / "0.png", 1)
    draw(root / "unlabelled" / "0.png", 1)
    assert refused() == f"{root} has 1 class folders, and two are the least: make {folder.FORMAT}"
    (root / "dog").mkdir()
    (root / "dog" / "notes.txt").touch()
    assert refused().startswith(f"{root / 'dog'} has no images (.png, .jpg")
    draw(root / "dog" / "0.png", 1)
    draw(root / "test" / "cow" / "0.png", 1)
    assert refused() == f"{root / 'test/cow'} is no class of the training images (cat, dog): rename it"
    (root / "test" / "cow").rename(root / "test" / "dog")
    folder.read(root, 8)  # a test set need not have all classes
    (root / "dog" / "1.png").write_bytes(b"cut short")
    assert refused().startswith(f"cannot read {root / 'dog/1.png'} (cannot identify image file): remove")


def test_labels_from_a_file(root: Path) -> None:
    fill(root)
    split = root / "few.txt"
    split.write_text("# two of each\ncat/03.png\n\n  dog/01.png\ncat/00.png\ndog/05.png\n")
    task, answers = build(labels="few.txt")
    assert task.labelled.x.pixels[:, 0, 0, 0].tolist() == [40, 43, 191, 195]
    assert task.labelled.y.tolist() == [0, 0, 1, 1]
    assert len(task.unlabelled) == 12 and (answers.hidden >= 0).all()
    for seed in range(3):
        again, held = build(labels="few.txt", seed=seed, validation=4)
        assert torch.equal(again.labelled.x.pixels, task.labelled.x.pixels)
        assert held.validation and not set(held.validation.x.pixels[:, 0, 0, 0].tolist()) & {40, 43, 191, 195}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cat/00.png\ncat/9.png\n", "few.txt, line 2: 'cat/9.png' is no training image's path, as cat/1.png"),
        ("cat/00.png\ndog/00.png\ncat/00.png", "few.txt, line 3: cat/00.png stands in line 1, too"),
        ("cat/00.png\n", "few.txt names no input of class 1: add some, at least one of each class"),
        (None, "few.txt cannot be read ("),
    ],
)
def test_faults_of_that_file(text: str | None, why: str, root: Path) -> None:
    fill(root)
    if text is not None:
        (root / "few.txt").write_text(text)
    with pytest.raises(UserError) as caught:
        build(labels="few.txt")
    assert why in str(caught.value)
    with pytest.raises(UserError, match=r"task\.labels=\.\./few\.txt is a file's name without a folder"):
        build(labels="../few.txt")


def test_labels_of_an_npz_from_a_file(root: Path) -> None:
    root.parent.mkdir()
    x = np.arange(12, dtype=np.uint8).repeat(64).reshape(12, 8, 8, 1)
    np.savez(root.parent / "own.npz", x_train=x, y_train=np.arange(12) % 2, classes=np.array(["cat", "dog"]))
    (root.parent / "few.txt").write_text("7\n2\n")
    settings = {key: value for key, value in compose(["task=npz", "task.name=own"]).task.items() if key != "augment"}
    task, answers = tasks.build(**settings | {"labels": "few.txt"}, seed=0, augment=augmenting(1))
    assert task.labelled.x.pixels[:, 0, 0, 0].tolist() == [2, 7] and answers.classes == ("cat", "dog")
    assert answers.test is None
    (root.parent / "few.txt").write_text("12\n")
    with pytest.raises(UserError, match=r"few\.txt, line 1: '12' is no number from 0 to 11"):
        tasks.build(**settings | {"labels": "few.txt"}, seed=0, augment=augmenting(1))


def test_a_run_knows_its_images(root: Path) -> None:
    """The hash sees an image that changed, moved to another class, or came; and the split file."""
    fill(root)
    (root / "few.txt").write_text("cat/00.png\ndog/00.png\n")
    task = {"name": "pets", "size": 8, "labels": "few.txt"}
    seen = [files.content(task)]
    assert files.content(task) == seen[0]
    draw(root / "cat" / "05.png", 99)
    seen.append(files.content(task))
    (root / "cat" / "05.png").rename(root / "dog" / "50.png")
    seen.append(files.content(task))
    (root / "few.txt").write_text("cat/01.png\ndog/00.png\n")
    seen.append(files.content(task))
    seen.append(files.content(task | {"labels": "all"}))
    assert len(set(seen)) == 5 and None not in seen
    assert files.content({"name": "nothing", "size": 8, "labels": "all"}) is None


OWN = ["scale=smoke", "task=folder", "task.name=pets", "task.subset=null", "task.size=8"]


def test_no_test_set_at_all(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(root)
    assert main(OWN) == 0
    said = capsys.readouterr().out
    assert said.startswith("fixmatch on pets/all, tiny, 4 steps") and "neither test nor validation set" in said
    run = execute(compose(OWN))
    result = json.loads((run / "result.json").read_text())
    nothing = {"last": None, "median_last_20": None, "best_on_test": None}
    assert result["error"] == result["top5"] == result["balanced"] == nothing
    assert result["recall"] is None and result["classes"] == ["cat", "dog"]
    assert not (run / "predictions.csv.gz").exists() and (run / "model.pth").exists()
    assert main([*OWN, "task.validation=4"]) == 0
    assert "   validation  " in capsys.readouterr().out
    run = execute(compose([*OWN, "task.validation=4"]))
    result = json.loads((run / "result.json").read_text())
    assert result["error"] == nothing and 0 <= result["validation"]["last"] <= 100


def test_an_npz_of_that_name_is_another_data_set(root: Path) -> None:
    fill(root)
    with pytest.raises(DataError, match=r"a folder of images is task=folder task\.name=pets"):
        execute(compose(["scale=smoke", "task=npz", "task.name=pets", "task.labels=4"]))
    np.savez(root.with_suffix(".npz"), x_train=np.zeros((4, 5, 5, 3), np.uint8), y_train=np.arange(4) % 2)
    assert execute(compose(OWN)).done
