"""Labelled inputs that a file names."""

from collections.abc import Sequence

import numpy as np

from benchmarks.data.split import Index
from benchmarks.errors import UserError


def listed(text: str, where: str, names: Sequence[str] | None, y: Index, n_classes: int) -> Index:
    """The training inputs that a file names, one a line: by `names`, or where there are none by number.

    Blank lines and those that begin with # do not count. Raises UserError, which names the file as `where`, for a name
    that is unknown or comes twice, and where a class has no labelled input.
    """
    number = {name: k for k, name in enumerate(names if names is not None else map(str, range(len(y))))}
    found: dict[int, int] = {}
    for line, words in enumerate((line.strip() for line in text.splitlines()), 1):
        if not words or words.startswith("#"):
            continue
        if words not in number:
            kind = (
                "no training image's path, as cat/1.png" if names is not None else f"no number from 0 to {len(y) - 1}"
            )
            raise UserError(f"{where}, line {line}: {words!r} is {kind}")
        if number[words] in found:
            raise UserError(f"{where}, line {line}: {words} stands in line {found[number[words]]}, too")
        found[number[words]] = line
    index = np.array(sorted(found), dtype=np.int64)
    missing = np.setdiff1d(np.arange(n_classes), y[index])
    if len(missing):
        raise UserError(f"{where} names no input of class {missing[0]}: add some, at least one of each class")
    return index
