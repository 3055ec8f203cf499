"""What YAML files compute: steps by the task's size."""

import pytest

from benchmarks.config import CONF, files, resolve
from benchmarks.data import sources


@pytest.mark.parametrize(
    ("task", "epoch", "steps"),
    [  # by hand: training images less those held out and those with labels, by 75
        ("svhn task.labels=500 task.validation=1000 task.include_labelled=false", 957, 574_056),
        ("cifar100 task.labels=10000 task.validation=5000 task.include_labelled=false", 467, 280_000),
        ("cifar10 task.labels=4000 task.validation=5000 task.include_labelled=false", 547, 328_000),
        ("cifar10 task.labels=4000 task.validation=5000", 600, 360_000),
        ("cifar10 task.labels=all task.include_labelled=false", 667, 400_000),  # the labelled ones are all there is
        ("stl10 task.include_labelled=false", 1387, 832_000),
        ("npz task.name=mine", 600, 360_000),  # nobody knows: as in the paper
        ("cifar10 task.imbalance={n1:1500,m1:3000,gamma_l:100,gamma_u:100}", 600, 360_000),
        ("cifar10 task.validation=5000 protocol.batch=50", 300, 180_000),
        ("cifar10 task.validation=5000 protocol.ratio=1", 1800, 1_080_000),
        ("cifar10 protocol.steps=7 protocol.eval_every=3", 3, 7),
    ],
)
def test_meta_semi_s_epochs_are_passes_over_the_unlabelled_images(task: str, epoch: int, steps: int) -> None:
    config = resolve(f"method=meta_semi scale=paper task={task}".split())
    assert (config["protocol"]["eval_every"], config["protocol"]["steps"], config["steps"]) == (epoch, steps, steps)


def test_the_sizes_are_those_of_the_data() -> None:
    sizes = files.sizes(CONF)
    assert set(sizes) == {*sources.KNOWN, "unknown"}
    assert sizes["digits"] == len(sources.load("digits").y_train)
