"""A task: which inputs are labelled, which are not, and what only the trainer may know.

`Task` is what a method may see. `Answers` (hidden labels, validation and test sets) stay with the trainer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from benchmarks.data import files, sources
from benchmarks.data.arrays import Arrays
from benchmarks.data.augment import Augment
from benchmarks.data.images import Inputs, images
from benchmarks.data.listed import listed
from benchmarks.data.shares import Shares, sized
from benchmarks.data.split import choose, draw, shares
from benchmarks.data.texts import Wording, texts
from benchmarks.errors import UserError
from methods.base import Facts


class Labelled(NamedTuple):
    x: Inputs  #: N of them
    y: Tensor  #: int64 [N]

    def to(self, device: torch.device) -> "Labelled":
        return Labelled(self.x.to(device), self.y.to(device))


@dataclass(frozen=True, eq=False)
class Task:
    """Never changed: what a stage of training needs otherwise is another task."""

    labelled: Labelled
    unlabelled: Inputs  #: M of them; the labelled inputs are among them unless the config says otherwise
    n_classes: int
    balanced: bool = False  #: labelled batches are drawn class by class, each class as often
    known: Tensor | None = None  #: bool [M], which unlabelled inputs are labelled ones too; None: none of them

    @property
    def free(self) -> Tensor:
        """bool [M], the unlabelled inputs that are not labelled ones too."""
        if self.known is None:
            return torch.ones(len(self.unlabelled), dtype=torch.bool, device=self.unlabelled.device)
        return ~self.known

    @property
    def facts(self) -> Facts:
        counts = torch.bincount(self.labelled.y, minlength=self.n_classes)
        return Facts(self.n_classes, self.labelled.y, counts, len(self.unlabelled))

    def to(self, device: torch.device) -> Self:
        known = self.known if self.known is None else self.known.to(device)
        return replace(self, labelled=self.labelled.to(device), unlabelled=self.unlabelled.to(device), known=known)

    def with_labels(self, j: Tensor, y: Tensor) -> Self:
        """The unlabelled inputs j [K] are labelled, too, as y [K]; they stay among the unlabelled ones."""
        x = self.labelled.x.join(self.unlabelled.take(j))
        known = ~self.free.index_fill(0, j, False)
        return replace(self, labelled=Labelled(x, torch.cat([self.labelled.y, y])), known=known)

    def with_balance(self) -> Self:
        """Every class comes equally often in labelled batches, however many inputs it has."""
        return replace(self, balanced=True)


@dataclass(frozen=True, eq=False)
class Answers:
    hidden: Tensor  #: int64 [M], the unlabelled inputs' classes; -1 where nobody knows (STL-10)
    index: Tensor  #: int64 [M], where they lie in the data set: the training inputs, then those without labels
    test: Labelled | None  #: None: the data set has none
    tested: Tensor  #: int64 [T], where the test inputs lie among the data set's
    validation: Labelled | None
    classes: tuple[str, ...]  #: their names, by number
    fingerprint: str  #: of the split

    def to(self, device: torch.device) -> Self:
        test, validation = self.test and self.test.to(device), self.validation and self.validation.to(device)
        return replace(self, hidden=self.hidden.to(device), test=test, validation=validation)


def kind(
    name: str, augment: Augment | Shares | Wording, size: int | None = None, folder: bool = False
) -> tuple[Arrays, Any, Callable[..., Any]]:
    """A data set in memory, its views, and what makes inputs of its arrays. Raises UserError, DataError.

    size: of the images that are made of a folder's.
    """
    if isinstance(augment, Wording):
        return augment.load(name), augment, texts
    data = sources.load_folder(name, size) if folder else sources.load(name)
    h, w, c = data.x_train.shape[1:]
    return data, sized(augment, (c, h, w)), images


def build(*, name: str, seed: int, augment: Augment | Shares | Wording, **options: Any) -> tuple[Task, Answers]:
    """The task of one seed; `options` are those of `split.choose`, and the size of a folder's images.

    Raises UserError, DataError.
    """
    split_file = files.split_file({"name": name, **options})
    data, views, inputs = kind(name, augment, folder="size" in options, size=options.pop("size", None))
    y, subset = data.y_train, options["subset"]
    y_test = y[:0] if data.y_test is None else data.y_test
    n_classes = int(max(y.max(), y_test.max(initial=0))) + 1
    if n_classes < 2:
        raise UserError(f"{name} has a single class, and nothing to tell it from: it needs two")
    chosen = None
    if split_file:
        chosen = listed(sources.text(split_file), str(split_file), data.names, y, n_classes)
    split = choose(y, name=name, seed=seed, n_classes=n_classes, folds=data.folds, listed=chosen, **options)

    def part(x: np.ndarray, y: np.ndarray, index: np.ndarray) -> Labelled:
        return Labelled(inputs(x, views, index), torch.from_numpy(y[index].astype(np.int64)))

    inputs(data.x_train[:2], views).check(name)
    labelled, (unlabelled, hidden) = part(data.x_train, y, split.labelled), part(data.x_train, y, split.unlabelled)
    index = torch.from_numpy(split.unlabelled)
    if data.x_unlabeled is not None:
        unlabelled = unlabelled.join(inputs(data.x_unlabeled[: subset or None], views))
        more = len(unlabelled) - len(hidden)
        hidden = torch.cat([hidden, hidden.new_full((more,), -1)])
        index = torch.cat([index, len(y) + torch.arange(more)])
    if not len(unlabelled):
        (unlabelled, hidden), index = labelled, torch.from_numpy(split.labelled)  # a supervised run never looks
    tested = np.arange(len(y_test))
    if subset and len(tested):
        wanted = shares(np.bincount(y_test, minlength=n_classes), min(subset, len(tested)))
        tested = draw(y_test, wanted, tested, np.random.default_rng([seed, 2]), "task.subset")
    test = None if data.x_test is None else part(data.x_test, y_test, tested)
    validation = part(data.x_train, y, split.held_out) if len(split.held_out) else None
    known = torch.isin(index, torch.from_numpy(split.labelled))
    task = Task(labelled, unlabelled, n_classes, known=known)
    classes = data.classes or tuple(map(str, range(n_classes)))
    return task, Answers(hidden, index, test, torch.from_numpy(tested), validation, classes, split.fingerprint)
