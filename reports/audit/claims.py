"""Sentences of the two papers that their own tables can check: reports/paper/<paper>/claims.yaml, and every mark.

An entry there is a sentence and the check (a function of reports.audit.checks) that it stands for:

    - id: dash-c10
      where: "5.2"                    section, table or appendix
      quote: compared to Dash ...     a few words, to find it by
      reading: ...                    how it was made checkable, where it is vague; may name the check's arguments
      errata: T10                     what reports/paper/errata.csv says about it
      gain: {table: 1, better: Meta-T, worse: Dash, column: CIFAR-10/40, claimed: "5.21"}

Instead of an id, `each` has several, with what is its own of each: arguments, reading, errata.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from reports.audit.checks import CHECKS, Verdict, place
from reports.paper.published import PAPER, PAPERS, marks, tables

PROSE = ("where", "quote", "reading", "errata")
MARK_ERRATA = {
    ("meta_t/table3", "FlexMatch", "N1=1500 M1=3000 γ=150"): "T14",
    ("meta_semi/table3", "Meta-Semi + ICT", "SVHN/500"): "S14",
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One checkable sentence (or mark)."""

    paper: str
    id: str
    where: str
    quote: str
    check: Callable[[], Verdict]
    reading: str = ""
    errata: str = ""


def sentences(paper: str) -> Iterator[Claim]:
    """The claims of one paper's claims.yaml, in its order."""
    for entry in yaml.safe_load((PAPER / paper / "claims.yaml").read_text(encoding="utf-8"))["claims"]:
        (name,) = CHECKS.keys() & entry.keys()
        for identity, own in entry.get("each", {entry.get("id"): {}}).items():
            given = {key: _table(paper, key, value) for key, value in (entry[name] | own).items() if key not in PROSE}
            prose = {key: own.get(key, entry.get(key, "")) for key in PROSE}
            prose["reading"] = prose["reading"].format(**given)
            yield Claim(paper=paper, id=identity, check=partial(CHECKS[name], **given), **prose)


def _table(paper: str, key: str, value: Any) -> Any:
    """A table's number -> its name, where an argument is one: table, tables, or other: [table, row, column]."""
    if key == "table":
        return f"{paper}/table{value}"
    if key == "tables":
        return [f"{paper}/table{number}" for number in value]
    return (f"{paper}/table{value[0]}", *value[1:]) if key == "other" else value


def mark_claims() -> list[Claim]:
    """Every mark as a claim: bold says best of the column, and underline second.

    On CNN-13 in Meta-Semi's Table 1 bold says one of the best two.
    """
    found = []
    for table in tables():
        paper, number = table.split("/table")
        for (row, column), mark in marks(table).items():
            last = 2 if mark == "underline" or (table == "meta_semi/table1" and "(WRN-28)" not in row) else 1
            judge = partial(place, table, row, column, last, last if mark == "underline" else 1)
            found.append(
                Claim(
                    paper=paper,
                    id=f"{mark}-{number}-{row}-{column}",
                    where=f"Table {number}, {mark}",
                    quote=f"{row}, {column}",
                    check=judge,
                    errata=MARK_ERRATA.get((table, row, column), ""),
                )
            )
    return found


def register() -> list[Claim]:
    """Every claim: the sentences, then the marks."""
    return [claim for paper in PAPERS for claim in sentences(paper)] + mark_claims()
