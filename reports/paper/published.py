"""The numbers the two papers print, as frames: `published("meta_t/table1")`."""

import difflib
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path

import pandas as pd

PAPER = Path(__file__).parent
PAPERS = {"meta_t": "Meta-T", "meta_semi": "Meta-Semi"}
COLUMNS = ("row", "column", "mean", "std", "mark", "source", "backbone", "errata")


def tables() -> list[str]:
    """The names of all published tables, in the papers' order."""
    return [f"{paper}/{path.stem}" for paper in PAPERS for path in sorted((PAPER / paper).glob("table*.csv"))]


def published(table: str) -> pd.DataFrame:
    """One published table, a line per printed number.

    `mean` and `std` are floats (`nan` where no std is printed); `mean_text` and `std_text` are the digits
    as printed; the other columns are text, empty where there is nothing to say.
    """
    return _read(table).copy()


def errata() -> pd.DataFrame:
    """The register of findings: id, paper, finding, decision."""
    return pd.read_csv(PAPER / "errata.csv", dtype=str, keep_default_na=False)


def cell(table: str, row: str, column: str) -> Decimal:
    """The published mean of one cell, exactly as printed."""
    found = cells(table)
    if (row, column) in found:
        return found[row, column]
    rows = dict.fromkeys(r for r, _ in found)
    if row not in rows:
        raise LookupError(f"{table} has no row {row!r}{nearest(row, rows)}")
    own = [c for r, c in found if r == row]
    raise LookupError(f"{table} prints nothing for {row!r} under {column!r}{nearest(column, own)}")


@cache
def cells(table: str) -> dict[tuple[str, str], Decimal]:
    """Every published mean of a table by (row, column), in printed order."""
    frame = _read(table)
    keys = zip(frame["row"], frame["column"], strict=True)
    return {key: Decimal(text) for key, text in zip(keys, frame["mean_text"], strict=True)}


def std(table: str, row: str, column: str, missing: Decimal | None = None) -> Decimal:
    """The std printed beside one mean; `missing` where there is none. Raises LookupError without that."""
    frame = _read(table)
    printed = frame.loc[(frame["row"] == row) & (frame["column"] == column), "std_text"]
    if not any(printed):
        if missing is not None:
            return missing
        raise LookupError(f"{table} prints no std for {row!r} under {column!r}")
    return Decimal(printed.item())


def columns_of(table: str, row: str) -> list[str]:
    """The columns in which a row has a number, in printed order."""
    return [column for name, column in cells(table) if name == row]


def marks(table: str) -> dict[tuple[str, str], str]:
    """The emphasised cells of a table: 'bold' or 'underline' by (row, column)."""
    frame = _read(table)
    found = zip(frame["row"], frame["column"], frame["mark"], strict=True)
    return {(row, column): mark for row, column, mark in found if mark}


def higher_is_better(column: str) -> bool:
    """ImageNet and the imbalanced settings are printed as accuracies; all other columns are error rates."""
    return column.startswith(("ImageNet/", "N1="))


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' for the known name most like this one, else what is known."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


@cache
def _read(table: str) -> pd.DataFrame:
    if table not in tables():
        raise LookupError(f"no published table {table!r}{nearest(table, tables())}")
    frame = pd.read_csv(PAPER / f"{table}.csv", dtype=str, keep_default_na=False)
    if tuple(frame.columns) != COLUMNS:
        raise ValueError(f"{table}.csv has columns {', '.join(frame.columns)}; expected {', '.join(COLUMNS)}")
    frame = frame.assign(mean_text=frame["mean"], std_text=frame["std"])
    printed_std = frame["std"].where(frame["std"] != "")
    return frame.assign(mean=frame["mean"].astype(float), std=printed_std.astype(float))
