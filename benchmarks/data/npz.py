"""Your own data set: `$SSL_DATA/<name>.npz`, read and checked; nothing in it is unpickled."""

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.arrays import Arrays, int64, printable, size
from benchmarks.errors import DataError

REQUIRED, TEST = ("x_train", "y_train"), ("x_test", "y_test")
FIELDS = (*REQUIRED, *TEST, "x_unlabeled", "classes")
FORMAT = (
    "x_train, x_test as uint8 [N,H,W,C], y_train, y_test as integers [N], and optionally x_unlabeled and classes, the "
    "names of all classes; without a test set it has neither x_test nor y_test"
)
Fault = str | None  #: what is wrong, if anything is


def read(path: Path, instead: str) -> Arrays:
    """Read and check `path`; nothing in it is unpickled, and arrays that no field is for are not read.

    instead: another remedy than to mend the file, such as ", or remove it".

    Raises:
        DataError: the file is unreadable, incomplete or not of the format.
    """
    found = _read(path, FIELDS, _incomplete, _fault, f"it must hold {FORMAT}{instead}")
    fields: dict[str, Any] = {
        key: np.ascontiguousarray(array) if key[0] == "x" else int64(array) for key, array in found.items()
        if key != "classes"
    }  # fmt: skip
    return Arrays(**fields, classes=tuple(found["classes"].tolist()) if "classes" in found else None)


def images(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """The images x [N, H, W, C] of an .npz and their classes y [N], if they are known; without x, x_test and y_test.

    Raises DataError where there are neither, or they are not of the format.
    """

    def absent(names: Iterable[str]) -> Fault:
        return None if {"x", "x_test"} & set(names) else "holds neither x nor x_test"

    found = _read(path, ("x", "y", *TEST), absent, _fault_of_images, "it must hold images as x, uint8 [N,H,W,C]")
    x, y = ("x", "y") if "x" in found else TEST
    return np.ascontiguousarray(found[x]), int64(found[y]) if y in found else None


def _read(
    path: Path,
    fields: Iterable[str],
    incomplete: Callable[[Iterable[str]], Fault],
    faulty: Callable[[dict[str, Any]], Fault],
    remedy: str,
) -> dict[str, Any]:
    """Those of the fields that are there. Raises DataError where names or arrays are not what they should be."""
    found: dict[str, Any] = {}
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            fault: Fault = "is no .npz archive, or only a part of one"
        else:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                fault = incomplete(file)
                found = {} if fault else {key: file[key] for key in fields if key in file}
    except Exception as reason:  # a damaged file can make numpy's and zipfile's readers raise nearly anything
        raise DataError(f"{path}: cannot be read ({printable(reason)}); {remedy}") from reason
    if fault := fault or faulty(found):
        raise DataError(f"{path}: {printable(fault)}; {remedy}")
    return found


def _incomplete(names: Iterable[str]) -> Fault:
    """What a data set lacks, or has and should not have."""
    there = list(names)
    wanted = (*REQUIRED, *TEST) if set(TEST) & set(there) else REQUIRED
    if missing := [key for key in wanted if key not in there]:
        return f"lacks {', '.join(missing)} (it holds {', '.join(there) or 'nothing'})"
    stray = [key for key in there if key[:2] in ("x_", "y_") and key not in FIELDS]
    return f"holds {stray[0]}, which is not read" if stray else None


def _fault(found: dict[str, Any]) -> Fault:
    """What is wrong with the arrays of a data set."""
    names = found.get("classes", np.array([""]))
    if not isinstance(names, np.ndarray) or names.dtype.kind != "U" or names.ndim != 1:
        return "classes is no list of names"
    if fault := _fault_of_images({key: array for key, array in found.items() if key != "classes"}):
        return fault
    for key, array in found.items():
        if key[0] == "x" and array.shape[1:] != found["x_train"].shape[1:]:
            return f"{key} has images of {size(array)}, but x_train of {size(found['x_train'])}"
    classes = np.unique(found["y_train"])
    low, high, last = classes[0], classes[-1], len(classes) - 1
    if low != 0 or high != last:
        return f"y_train has {last + 1} classes numbered from {low} to {high}, not from 0 to {last}"
    if "classes" in found and not len(set(names.tolist())) == len(names) == len(classes):
        return f"classes has {len(set(names.tolist()))} different names for {len(classes)} classes"
    outside = np.setdiff1d(found.get("y_test", []), classes)
    if len(outside):
        return f"y_test has the label {outside[0]}, which y_train lacks"
    return None


def _fault_of_images(found: dict[str, Any]) -> Fault:
    """What is wrong with images x... and their classes y..., whichever are there."""
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
    for x in [key for key in found if key[0] == "x"]:
        y = x.replace("x", "y", 1)
        if y in found and len(found[x]) != len(found[y]):
            return f"{x} has {len(found[x])} images, but {y} has {len(found[y])} labels"
    return None
