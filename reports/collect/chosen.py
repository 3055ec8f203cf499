"""Of a row's choices the one with the lowest validation error: what stands in a cell whose row has a grid."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import fmean

from reports.collect import read
from sweeps.sweep import Cell


def chosen(cells: Sequence[Cell], found: Mapping[str, read.Result | str]) -> list[Cell]:
    """The cells (in the order of the table), without those of choices that lost; found: what the runs say, by id.

    The choice is a column's, by the mean over its seeds of the validation error that the protocol reports, of equals
    the first. Nothing is chosen, and all choices stay, while a run of any is missing or cannot be read.
    """
    kept: list[Cell] = []
    for _, group in groupby(cells, key=lambda cell: (cell.row, cell.column)):
        own = list(group)
        best = best_of(own, found)
        kept += [cell for cell in own if best is None or cell.choice == best]
    return kept


def undecided(cells: Sequence[Cell]) -> set[tuple[str, str]]:
    """Row and column of those of `chosen`'s cells that wait for a choice."""
    asked = {(cell.row, cell.column, cell.choice) for cell in cells}
    return {place for place, n in Counter((row, column) for row, column, _ in asked).items() if n > 1}


def best_of(cells: Sequence[Cell], found: Mapping[str, read.Result | str]) -> str | None:
    """The choice that the validation set makes of one cell's runs; None where it cannot yet."""
    errors: dict[str, list[float]] = {}
    for cell in cells:
        if not cell.choice:
            return ""
        result = found[cell.run.id]
        if isinstance(result, str):
            return None
        try:
            errors.setdefault(cell.choice, []).append(read.reported(result, "validation"))
        except read.BROKEN:
            return None
    return min(errors, key=lambda choice: fmean(errors[choice]))
