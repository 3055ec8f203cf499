"""A data set at half its size, for CPUs:  python -m benchmarks.data.halved cifar10

Writes $SSL_DATA/cifar10_16.npz: each pixel is the mean of four, rounded; for `task=npz task.name=cifar10_16`.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import npz, sources
from benchmarks.errors import UserError, command


def halved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, H, W, C] -> [N, H / 2, W / 2, C]. Raises UserError where a side is odd."""
    n, height, width, channels = images.shape
    if height % 2 or width % 2:
        raise UserError(f"images of {height}x{width} pixels cannot be halved: both sides must be even")
    means = images.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))
    return np.floor(means + 0.5).astype(np.uint8)


@command
def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise UserError("which data set? e.g. python -m benchmarks.data.halved cifar10")
    arrays = sources.load(arguments[0])
    small: dict[str, Any] = {
        field: halved(array) if field[0] == "x" else array
        for field in npz.FIELDS
        if (array := getattr(arrays, field)) is not None
    }
    path = sources.own(f"{arguments[0]}_{small['x_train'].shape[1]}")
    np.savez(path, **small)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
