"""A task: which inputs are labelled, which are not, and what only the trainer may know.

`Task` is what a method may see. `Answers` (hidden labels, validation and test sets) stay with the trainer.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from benchmarks import datasets
from benchmarks.augment import Augment
from benchmarks.errors import UserError
from methods.base import Facts


class Split(NamedTuple):
    x: Tensor  #: uint8 [N, C, H, W]
    y: Tensor  #: int64 [N]

    def to(self, device: torch.device) -> "Split":
        return Split(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Task:
    labelled: Split
    unlabelled: Tensor  #: uint8 [M, C, H, W]; the labelled inputs are among them unless the config says otherwise
    n_classes: int
    augment: Augment

    @property
    def facts(self) -> Facts:
        counts = torch.bincount(self.labelled.y, minlength=self.n_classes)
        return Facts(self.n_classes, counts, len(self.unlabelled))

    def to(self, device: torch.device) -> Self:
        return replace(self, labelled=self.labelled.to(device), unlabelled=self.unlabelled.to(device))


@dataclass(frozen=True)
class Answers:
    hidden: Tensor  #: int64 [M], the unlabelled inputs' classes; -1 where nobody knows (STL-10)
    test: Split
    validation: Split | None
    fingerprint: str  #: sha256 over the chosen indices and their labels: two runs with one fingerprint had one split

    def to(self, device: torch.device) -> Self:
        validation = self.validation and self.validation.to(device)
        return replace(self, hidden=self.hidden.to(device), test=self.test.to(device), validation=validation)


def shares(counts: np.ndarray, budget: int) -> np.ndarray:
    """`budget` over the classes in proportion to `counts` [C], by largest remainders, at least one each."""
    exact = counts * (budget / counts.sum())
    given = np.floor(exact).astype(int)
    if budget >= len(counts):
        given = np.maximum(given, 1)
    order = np.argsort(-(exact - given), kind="stable")
    for k in range(budget - given.sum()):
        given[order[k % len(order)]] += 1
    while given.sum() > budget:
        given[np.argmax(np.where(given > 1, given - exact, -np.inf))] -= 1
    return given


def long_tail(first: int, gamma: float, n_classes: int) -> np.ndarray:
    """N_c = N_1 gamma^(-(c-1)/(C-1)) for c = 1..C, rounded down (Meta-T Sec. 5.3; erratum T23: gamma = N_1 / N_C)."""
    if gamma <= 0:
        raise UserError(f"an imbalance of gamma={gamma} is not possible: it must be positive (1 is none)")
    return np.array([int(first / gamma ** (c / (n_classes - 1))) for c in range(n_classes)])


def per_class(labels: int | str, balance: str, counts: np.ndarray) -> np.ndarray:
    """Labelled inputs per class [C] for a budget of `labels` ("all" or a number)."""
    if labels == "all":
        return counts
    budget, n_classes = int(labels), len(counts)
    if budget > counts.sum():
        raise UserError(f"task.labels={budget}, but the data has only {counts.sum()} labelled inputs: ask for fewer")
    if balance == "proportional":
        return shares(counts, budget)
    if budget % n_classes or budget == 0:
        near = max(1, round(budget / n_classes)) * n_classes
        raise UserError(f"task.labels={budget} is not a multiple of the {n_classes} classes: try task.labels={near}")
    return np.full(n_classes, budget // n_classes)


def draw(y: np.ndarray, wanted: np.ndarray, pool: np.ndarray, rng: np.random.Generator, what: str) -> np.ndarray:
    """wanted[c] indices of each class c out of `pool`, sorted."""
    chosen = []
    for c, n in enumerate(wanted):
        candidates = pool[y[pool] == c]
        if len(candidates) < n:
            raise UserError(f"class {c} has {len(candidates)} inputs left, {what} asks for {n}: ask for fewer")
        chosen.append(rng.permutation(candidates)[:n])
    return np.sort(np.concatenate(chosen))


def build(
    *,
    name: str,
    seed: int,
    labels: int | str,
    balance: str,
    validation: int,
    include_labelled: bool,
    imbalance: dict[str, float] | None,
    subset: int | None,
    augment: Augment,
) -> tuple[Task, Answers]:
    """The task of one seed.

    balance: "equal" or "proportional" labels per class, or "folds" (the data set's own, the seed picks one);
    imbalance: {n1, m1, gamma_l, gamma_u} for long tails, in which case `labels` plays no part;
    subset: keep only so many training and test inputs (smoke runs).  Raises UserError, DataError.
    """
    data = datasets.load(name)
    rng = np.random.default_rng(seed)
    x, y = data.x_train, data.y_train
    n_classes, channels = int(max(y.max(), data.y_test.max())) + 1, x.shape[3]
    if not channels == len(augment.mean) == len(augment.std):
        each = f"[{','.join(['0.5'] * channels)}]"
        raise UserError(
            f"{name} has images of {channels} channel{'s' * (channels > 1)}: give as many numbers to task.augment.mean "
            f"and task.augment.std, e.g. {each}"
        )
    fold = np.array([], dtype=np.int64)
    if balance == "folds":
        if data.folds is None:
            raise UserError(f"{name} has no predefined folds: set task.balance=equal")
        fold = data.folds[seed % len(data.folds)]
    pool = np.arange(len(y))
    if subset:
        pool = draw(y, shares(np.bincount(y, minlength=n_classes), min(subset, len(y))), pool, rng, "task.subset")
    free = np.setdiff1d(pool, fold)  # a fold keeps all its labels
    held_out = draw(y, shares(np.bincount(y[free], minlength=n_classes), validation), free, rng, "task.validation")
    pool = np.setdiff1d(pool, held_out)

    counts = np.bincount(y[pool], minlength=n_classes)
    if balance == "folds":
        labelled = np.intersect1d(fold, pool)
    else:
        if imbalance:
            wanted = long_tail(int(imbalance["n1"]), imbalance["gamma_l"], n_classes)
        else:
            wanted = per_class(labels, balance, counts)
        labelled = draw(y, wanted, pool, rng, "the labelled set")

    rest = np.setdiff1d(pool, labelled)
    if imbalance:
        rest = draw(
            y, long_tail(int(imbalance["m1"]), imbalance["gamma_u"], n_classes), rest, rng, "the unlabelled set"
        )
    unlabelled = np.sort(np.concatenate([labelled, rest])) if include_labelled else rest
    digest = hashlib.sha256()
    for part in (labelled, y[labelled], unlabelled, held_out):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())

    images, hidden = _split(x, y, unlabelled)
    if data.x_unlabeled is not None:
        images = torch.cat([images, _images(data.x_unlabeled[: subset or None])])
        hidden = torch.cat([hidden, hidden.new_full((len(images) - len(hidden),), -1)])
    if not len(images):
        images, hidden = _split(x, y, labelled)  # all labels, none left over: a supervised run never looks
    test = _split(data.x_test, data.y_test, np.arange(len(data.y_test))[: subset or None])
    validation_split = _split(x, y, held_out) if len(held_out) else None
    task = Task(_split(x, y, labelled), images, n_classes, augment)
    return task, Answers(hidden, test, validation_split, digest.hexdigest()[:16])


def _images(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _split(x: np.ndarray, y: np.ndarray, index: np.ndarray) -> Split:
    return Split(_images(x[index]), torch.from_numpy(y[index].astype(np.int64)))
