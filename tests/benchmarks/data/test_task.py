"""The task: who is labelled, who is not and what is held out, for every seed and in the proportions asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from miniatures import arrays, augmenting, build, index

from benchmarks.assemble import make
from benchmarks.config import compose
from benchmarks.data import sources as datasets
from benchmarks.data import task as tasks
from benchmarks.data.arrays import Arrays
from benchmarks.data.split import proportional, shares
from benchmarks.errors import UserError
from benchmarks.run import main

SVHN = np.array([4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659])  # its training images per class


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Arrays -> from now on the only data set there is."""
    return lambda data: monkeypatch.setattr(datasets, "load", lambda name: data)


@pytest.mark.parametrize("labels", [10, 40, 100])
def test_equal_labels_per_class(labels: int, load: Any) -> None:
    data = arrays([70, 20, 40, 30, 50])
    load(data)
    task, _ = build(labels=labels)
    assert torch.bincount(task.labelled.y).tolist() == [labels // 5] * 5
    assert task.facts.class_counts.tolist() == [labels // 5] * 5
    assert task.facts.n_classes == 5
    assert task.facts.n_unlabelled == len(task.unlabelled) == 210
    chosen = index(task.labelled.x)
    assert len(set(chosen)) == labels
    assert task.labelled.y.tolist() == data.y_train[chosen].tolist()


def test_a_seed_is_a_split(load: Any) -> None:
    load(arrays([60] * 5))
    splits = [build(seed=seed) for seed in (0, 1, 2, 0)]
    prints = [answers.fingerprint for _, answers in splits]
    assert len(set(prints)) == 3
    assert prints[0] == prints[3]
    assert torch.equal(splits[0][0].labelled.x.pixels, splits[3][0].labelled.x.pixels)
    assert len({tuple(index(task.labelled.x)) for task, _ in splits}) == 3
    assert all(len(text) == 16 for text in prints)


@pytest.mark.parametrize("changed", [{"labels": 25}, {"validation": 10}, {"include_labelled": False}, {"subset": 100}])
def test_the_fingerprint_tells_splits_apart(changed: dict[str, Any], load: Any) -> None:
    load(arrays([60] * 5))
    assert build()[1].fingerprint != build(**changed)[1].fingerprint


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("validation", [0, 25])
def test_who_is_where(include: bool, validation: int, load: Any) -> None:
    data = arrays([60, 50, 40, 30, 20])
    load(data)
    task, answers = build(include_labelled=include, validation=validation)
    labelled, unlabelled = set(index(task.labelled.x)), set(index(task.unlabelled))
    held_out = set(index(answers.validation.x)) if answers.validation else set()
    assert len(held_out) == validation
    assert not held_out & (labelled | unlabelled)
    assert labelled <= unlabelled if include else not labelled & unlabelled
    assert labelled | unlabelled | held_out == set(range(200))
    assert len(unlabelled) == len(task.unlabelled) == len(answers.hidden)  # nobody twice
    assert answers.hidden.tolist() == data.y_train[index(task.unlabelled)].tolist()
    assert len(answers.test.y) == 30
    if answers.validation:  # in proportion
        assert torch.bincount(answers.validation.y).tolist() == shares(np.array([60, 50, 40, 30, 20]), 25).tolist()
        assert answers.validation.y.tolist() == data.y_train[index(answers.validation.x)].tolist()


def test_all_labels(load: Any) -> None:
    load(arrays([30, 20, 10]))
    task, _ = build(labels="all", validation=6)
    assert torch.bincount(task.labelled.y).tolist() == [27, 18, 9]
    assert len(task.unlabelled) == 54
    alone, answers = build(labels="all", include_labelled=False)  # nothing is left over, yet a loader can be made
    assert len(alone.labelled.y) == len(alone.unlabelled) == len(answers.hidden) == 60


def test_subset(load: Any) -> None:
    load(arrays([100, 60, 40]))
    task, answers = build(labels=9, subset=20)
    assert len(task.unlabelled) == 20
    assert torch.bincount(answers.hidden).tolist() == [10, 6, 4]
    assert set(index(task.labelled.x)) <= set(index(task.unlabelled))
    assert len(answers.test.y) == 20
    assert len(build(labels=9, subset=10**6)[0].unlabelled) == 200


def test_tensors() -> None:
    task, answers = build(name="digits", augment=augmenting(1), validation=50)
    assert answers.validation
    for split in (task.labelled, answers.test, answers.validation):
        assert split.x.pixels.dtype == torch.uint8
        assert split.x.pixels.shape == (len(split.y), 1, 8, 8)
        assert split.y.dtype == torch.int64
    assert task.unlabelled.pixels.dtype == torch.uint8
    assert task.unlabelled.pixels.shape == (1247, 1, 8, 8)
    assert answers.hidden.dtype == torch.int64
    data = datasets.load("digits")
    assert torch.equal(answers.test.x.pixels[:, 0], torch.from_numpy(data.x_test[..., 0]))


def test_channels_come_first_and_pixels_stay_where_they_are(load: Any) -> None:
    data = arrays([12, 12], size=6)
    load(data)
    task, _ = build(labels=2)
    for image, i in zip(task.unlabelled.pixels, index(task.unlabelled), strict=True):
        assert torch.equal(image.permute(1, 2, 0), torch.from_numpy(data.x_train[i]))


def test_proportional_labels(load: Any) -> None:
    load(arrays((SVHN // 50).tolist()))
    task, _ = build(labels=250, balance="proportional")
    counts = torch.bincount(task.labelled.y).numpy()
    assert counts.tolist() == proportional(SVHN // 50, 250).tolist()
    assert counts[1] > 2 * counts[9]


def test_a_tail_of_labels_and_one_of_inputs(load: Any) -> None:
    load(arrays([400] * 5))
    imbalance = {"n1": 40, "m1": 200, "gamma_l": 10, "gamma_u": 50}
    task, answers = build(imbalance=imbalance, labels=5, include_labelled=False)
    assert torch.bincount(task.labelled.y).tolist() == [int(40 * 10 ** (-c / 4)) for c in range(4)] + [4]
    assert torch.bincount(answers.hidden).tolist() == [int(200 * 50 ** (-c / 4)) for c in range(4)] + [4]
    both, _ = build(imbalance=imbalance)
    assert len(both.unlabelled) == len(task.unlabelled) + len(task.labelled.y)
    _, reversed_ = build(imbalance=imbalance | {"m1": 4, "gamma_u": 1 / 50}, include_labelled=False)
    assert torch.bincount(reversed_.hidden)[0] == 4
    assert torch.bincount(reversed_.hidden)[-1] == 200


def stl10() -> Arrays:
    """5 classes of 20 with three folds, and 7 images more."""
    order = np.random.default_rng(2).permutation(100)
    folds = tuple(order[20 * k : 20 * k + 30] for k in range(3))  # they overlap, and are not sorted, as STL-10's
    return arrays([20] * 5, x_unlabeled=np.full((7, 4, 4, 3), 255, dtype=np.uint8), folds=folds)


def test_the_seed_picks_the_fold(load: Any) -> None:
    data = stl10()
    load(data)
    assert data.folds
    for seed in range(5):
        task, _ = build(seed=seed, balance="folds", labels=30)
        assert sorted(index(task.labelled.x)) == sorted(data.folds[(seed + 1) % 3].tolist())
        assert task.labelled.y.tolist() == data.y_train[index(task.labelled.x)].tolist()


def test_unknown_classes_are_minus_one(load: Any) -> None:
    load(stl10())
    task, answers = build(balance="folds")
    assert task.unlabelled.pixels.shape == (107, 3, 4, 4)
    assert (task.unlabelled.pixels[answers.hidden < 0] == 255).all()
    assert answers.hidden.sort().values[:8].tolist()[:7] == [-1] * 7 and (answers.hidden >= 0).sum() == 100
    assert len(build(balance="proportional", labels=5, subset=6)[1].hidden) == 12


def test_a_fold_is_never_held_out(load: Any) -> None:
    load(stl10())
    for seed in range(3):
        task, answers = build(seed=seed, balance="folds", validation=25)
        assert answers.validation
        assert len(task.labelled.y) == 30
        assert not set(index(answers.validation.x)) & (set(index(task.labelled.x)) | set(index(task.unlabelled)))


def test_no_folds(load: Any) -> None:
    load(arrays([20] * 5))
    with pytest.raises(UserError, match=r"mine has no predefined folds: set task\.balance=equal"):
        build(balance="folds")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": 12}, "task.labels=12 is not a multiple of the 5 classes: try task.labels=10"),
        ({"labels": 3}, "try task.labels=5"),
        ({"labels": 500}, "task.labels=500, but the data has only 200 labelled inputs: ask for fewer"),
        ({"labels": 180, "validation": 40}, "the data has only 160"),
        ({"labels": 150}, "class 4 has 20 inputs left, the labelled set asks for 30: ask for fewer"),
        ({"validation": 300}, "task.validation asks for"),
        ({"imbalance": {"n1": 100, "m1": 1, "gamma_l": 1, "gamma_u": 1}}, "class 0 has 60 inputs left, the labelled"),
        ({"imbalance": {"n1": 10, "m1": 55, "gamma_l": 1, "gamma_u": 1}}, "class 0 has 50 inputs left, the unlabelled"),
        ({"imbalance": {"n1": 10, "m1": 10, "gamma_l": 100, "gamma_u": 1}}, "class 3 has no labelled input"),
        ({"augment": augmenting(1)}, "mine has images of 3 channels: give as many numbers to task.augment.mean and"),
    ],
)
def test_refusals(changed: dict[str, Any], words: str, load: Any) -> None:
    load(arrays([60, 50, 40, 30, 20]))
    with pytest.raises(UserError) as caught:
        build(**changed)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "stl10"])
def test_every_task_builds(name: str, load: Any) -> None:
    """With the sizes and the folds of a miniature of each."""
    cfg = compose([f"task={name}", f"task.labels={200 if name == 'cifar100' else 20}"])
    folds = (np.arange(0, 200, 5),) if name == "stl10" else None
    data = arrays([20] * (100 if name == "cifar100" else 10), size=16, folds=folds)
    load(data)
    settings = {key: value for key, value in cfg.task.items() if key != "augment"}
    task, _ = tasks.build(**settings, seed=0, augment=make(cfg.task.augment))
    assert set(index(task.labelled.x)) <= set(index(task.unlabelled))
    assert cfg.task.include_labelled
    assert cfg.task.balance == {"svhn": "proportional", "stl10": "folds"}.get(name, "equal")
    assert cfg.task.augment.flip == (name != "svhn")
    assert (cfg.task.augment.translate, cfg.task.augment.cutout) == (10.0, 16)  # FixMatch's, also at 96x96
    assert cfg.task.augment.shift == (12 if name == "stl10" else 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_bring_your_own(
    channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    data = arrays([20] * 4, size=12, channels=channels)
    np.savez(tmp_path / "foo.npz", x_train=data.x_train, y_train=data.y_train, x_test=data.x_test, y_test=data.y_test)
    overrides = ["scale=smoke", "task=npz", "task.name=foo", "task.labels=8", "task.subset=null"]
    if channels == 1:
        overrides += ["task.augment.mean=[0.5]", "task.augment.std=[0.3]"]
    assert main(overrides) == 0
    out, err = capsys.readouterr()
    assert out.startswith("fixmatch on foo/8, tiny, 4 steps")
    assert not err


@pytest.mark.parametrize("include", [True, False])
def test_which_unlabelled_inputs_are_labelled_ones(include: bool, load: Any) -> None:
    load(arrays([60, 50, 40, 30, 20]))
    task, _ = build(include_labelled=include)
    labelled = set(index(task.labelled.x))
    assert task.free.tolist() == [i not in labelled for i in index(task.unlabelled)]
    j = torch.nonzero(task.free).flatten()[:7]
    more = task.with_labels(j, torch.zeros(7, dtype=torch.int64)).to(torch.device("cpu"))
    assert (task.free & ~more.free).nonzero().flatten().tolist() == j.tolist()
    assert not (more.free & ~task.free).any()
