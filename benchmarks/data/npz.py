"""Your own data set: `$SSL_DATA/<name>.npz`, read and checked; nothing in it is unpickled."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data.arrays import Arrays, int64, printable, size
from benchmarks.errors import DataError

REQUIRED = ("x_train", "y_train", "x_test", "y_test")
FORMAT = "x_train, x_test as uint8 [N,H,W,C], y_train, y_test as integers [N], and optionally x_unlabeled"


def read(path: Path, instead: str) -> Arrays:
    """Read and check `path`; nothing in it is unpickled, and arrays that no field is for are not read.

    instead: another remedy than to mend the file, such as ", or remove it".

    Raises:
        DataError: the file is unreadable, incomplete or not of the format.
    """
    remedy = f"it must hold {FORMAT}{instead}"
    try:
        found, fault = _read(path)
    except Exception as reason:  # a damaged file can make numpy's and zipfile's readers raise nearly anything
        raise DataError(f"{path}: cannot be read ({printable(reason)}); {remedy}") from reason
    fault = fault or _fault(found)
    if fault:
        raise DataError(f"{path}: {printable(fault)}; {remedy}")
    fields: dict[str, Any] = {
        key: np.ascontiguousarray(array) if key[0] == "x" else int64(array) for key, array in found.items()
    }
    return Arrays(**fields)


def _read(path: Path) -> tuple[dict[str, Any], str | None]:
    """The arrays of a .npz by name, or why they were not read."""
    if path.is_file() and not zipfile.is_zipfile(path):
        return {}, "is no .npz archive, or only a part of one"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        missing = [key for key in REQUIRED if key not in file]
        if missing:
            return {}, f"lacks {', '.join(missing)} (it holds {', '.join(file) or 'nothing'})"
        fields = [*REQUIRED, *(["x_unlabeled"] if "x_unlabeled" in file else [])]
        stray = [key for key in file if key[:2] in ("x_", "y_") and key not in fields]
        if stray:
            return {}, f"holds {stray[0]}, which is not read"
        return {key: file[key] for key in fields}, None


def _fault(found: dict[str, Any]) -> str | None:
    """What is wrong with the arrays of a .npz, or None."""
    for key, array in found.items():
        if not isinstance(array, np.ndarray):
            return f"{key} is not an array"
        if key[0] == "y":
            if array.dtype.kind not in "iu" or array.ndim != 1:
                return f"{key} is {array.dtype} of shape {array.shape}, not integers of shape [N]"
        elif array.dtype != np.uint8:
            return f"{key} is {array.dtype}, not uint8"
        elif array.ndim != 4 or 0 in array.shape or array.shape[3] not in (1, 3):
            return f"{key} has shape {array.shape}, not [N,H,W,C] with C = 1 or 3"
        elif array.shape[1:] != found["x_train"].shape[1:]:
            return f"{key} has images of {size(array)}, but x_train of {size(found['x_train'])}"
    for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
        if len(found[x]) != len(found[y]):
            return f"{x} has {len(found[x])} images, but {y} has {len(found[y])} labels"
    classes = np.unique(found["y_train"])
    low, high, last = classes[0], classes[-1], len(classes) - 1
    if low != 0 or high != last:
        return f"y_train has {last + 1} classes numbered from {low} to {high}, not from 0 to {last}"
    outside = np.setdiff1d(found["y_test"], classes)
    if len(outside):
        return f"y_test has the label {outside[0]}, which y_train lacks"
    return None
