"""A data set in memory, whatever it was read from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set in memory. Images are uint8, channels last, contiguous; K classes are numbered 0..K-1.

    Texts are token numbers, int32 [N, V, L] and [M, 1, L] (`texts`).
    """

    x_train: NDArray[Any]  # [N, H, W, C]
    y_train: NDArray[np.int64]  # [N]
    x_test: NDArray[Any] | None = None  # [M, H, W, C]
    y_test: NDArray[np.int64] | None = None  # [M]
    x_unlabeled: NDArray[np.uint8] | None = None  # [U, H, W, C], images that come without labels
    folds: tuple[NDArray[np.int64], ...] | None = None  # the official labelled sets, as indices into x_train
    classes: tuple[str, ...] | None = None  # their K names; None: their numbers
    names: tuple[str, ...] | None = None  # of the training images, by which a file of labelled ones names them


def int64(labels: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(labels).astype(np.int64)


def size(images: NDArray[Any]) -> str:
    return "x".join(map(str, images.shape[1:]))


def printable(fault: Exception | str) -> str:
    """A fault in one printable line; a file's own words may be in it."""
    text = "".join(c if c.isprintable() else " " for c in str(fault))
    return " ".join(text.split()) or type(fault).__name__
