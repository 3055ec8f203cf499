"""What a claim can be checked by: functions of keys of the published tables.

Numbers are compared as printed, in exact decimals: a claimed difference holds within TOLERANCE, half a unit of its
second decimal. Places are computed from the printed means, never from the marks.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from reports.paper.published import cell, cells, columns_of, higher_is_better, marks, std

TOLERANCE = Decimal("0.005")
REFERENCE = {"Full-Supervised"}  # trained on all labels: printed beside the methods, never ranked with them
Ref = tuple[str, str, str]  # table, row, column


class Verdict(NamedTuple):
    """What the paper says, what its tables say, and whether the two agree."""

    claimed: str
    recomputed: str
    holds: bool


def margin(table: str, better: str, worse: str, column: str) -> Decimal:
    """By how much `better` leads, in the direction of the column."""
    lead = cell(table, worse, column) - cell(table, better, column)
    return -lead if higher_is_better(column) else lead


def ranked(table: str, column: str, wrn: bool = False) -> list[str]:
    """The rows that compete in a column, best first; Meta-Semi's Table 1 mixes two networks."""
    rows = [r for r, c in cells(table) if c == column and r not in REFERENCE and ("(WRN-28)" in r) == wrn]
    return sorted(rows, key=lambda row: cell(table, row, column), reverse=higher_is_better(column))


def peers(table: str, row: str, column: str) -> list[str]:
    """`ranked`, on the network of this row."""
    return ranked(table, column, wrn="(WRN-28)" in row)


def meets(value: Decimal, claimed: str) -> bool:
    """`claimed` is a number, '<number' or '>number'."""
    if claimed.startswith("<"):
        return value < Decimal(claimed[1:])
    if claimed.startswith(">"):
        return value > Decimal(claimed[1:])
    return abs(value - Decimal(claimed)) <= TOLERANCE


def gain(table: str, better: str, worse: str, column: str, claimed: str) -> Verdict:
    """`better` leads `worse` by the claimed amount."""
    lead = margin(table, better, worse, column)
    high, low = sorted((cell(table, better, column), cell(table, worse, column)), reverse=True)
    told = f"{high} - {low} = {lead}" if lead >= 0 else f"-({high} - {low}) = {lead}"
    return Verdict(claimed, told, meets(lead, claimed))


def mean_gain(table: str, better: str, worse: str, columns: Sequence[str], claimed: str) -> Verdict:
    """`better` leads `worse` by the claimed amount on average over columns."""
    leads = [margin(table, better, worse, column) for column in columns]
    mean = sum(leads, Decimal(0)) / len(leads)
    return Verdict(claimed, f"mean of {', '.join(map(str, leads))} = {mean:.3f}", meets(mean, claimed))


def growing(table: str, row: str, columns: Sequence[str], rival: str = "") -> Verdict:
    """The lead of `row` over `rival` (default: over the best of the others) grows from column to column."""
    rivals = [rival or next(r for r in peers(table, row, c) if r != row) for c in columns]
    leads = [margin(table, row, r, c) for r, c in zip(rivals, columns, strict=True)]
    told = ", ".join(f"{lead} ({r})" for lead, r in zip(leads, rivals, strict=True))
    return Verdict("lead grows", told, all(one < two for one, two in pairwise(leads)))


def beats(table: str, row: str, rivals: Sequence[str] = (), columns: Sequence[str] = ()) -> Verdict:
    """`row` is better than each rival (default: all others) in every column (default: all) that both have."""
    if unknown := [rival for rival in rivals if not columns_of(table, rival)]:
        raise LookupError(f"{table} has no row {', '.join(unknown)}")
    mine = {c: cell(table, row, c) for c in columns or columns_of(table, row)}
    pairs = [(r, c) for c in mine for r in rivals or peers(table, row, c)]
    pairs = [(r, c) for r, c in pairs if r != row and (r, c) in cells(table)]
    lost = [f"{c}, where {r} has {cell(table, r, c)} and {row} {mine[c]}"
            for r, c in pairs if margin(table, row, r, c) <= 0]  # fmt: skip
    return _all_but(lost, len(pairs), claimed=f"{row} better, ")


def beyond_std(table: str, row: str, rivals: Sequence[str] = (), columns: Sequence[str] = ()) -> Verdict:
    """`beats`, by more than the larger of the two printed stds: the least that "significantly" can mean."""
    mine = {c: cell(table, row, c) for c in columns or columns_of(table, row)}
    pairs = [(r, c) for c in mine for r in rivals or peers(table, row, c) if r != row and (r, c) in cells(table)]
    close = []
    for r, c in pairs:
        lead, larger = margin(table, row, r, c), max(std(table, one, c, missing=Decimal(0)) for one in (row, r))
        if lead <= larger:
            close.append(f"{c}, {lead} before {r}, std {larger}")
    return _all_but(close, len(pairs), claimed=f"{row} better by more than a std, ")


def near_best(table: str, row: str, rivals: Sequence[str], column: str, other: Ref) -> Verdict:
    """`row` is behind the best of the rivals by no more than a printed std, if at all."""
    behind = max(-margin(table, row, rival, column) for rival in rivals)
    return Verdict(f"at most {std(*other)} behind the best", f"{max(behind, Decimal(0))} behind", behind <= std(*other))


def place(table: str, row: str, column: str, claimed: int, best: int | None = None) -> Verdict:
    """`row` has the claimed place in its column, or one from `best` to it; equal numbers share a place."""
    order, best = peers(table, row, column), claimed if best is None else best
    mine = 1 + sum(margin(table, other, row, column) > 0 for other in order)
    told = f"place {mine} ({cell(table, row, column)})"
    if not best <= mine <= claimed:
        holder = order[claimed - 1]
        told += f"; place {claimed} is {holder} {cell(table, holder, column)}"
        told += f", {margin(table, order[0], holder, column)} behind {order[0]}" if claimed > 1 else ""
    wanted = f"place {claimed}" if best == claimed else f"place {best} to {claimed}"
    return Verdict(wanted, told, best <= mine <= claimed)


def majority(table: str, row: str) -> Verdict:
    """`row` is best in more than half of its columns."""
    columns = columns_of(table, row)
    won = sum(peers(table, row, column)[0] == row for column in columns)
    return Verdict("best in most columns", f"best in {won} of {len(columns)}", 2 * won > len(columns))


def same(table: str, row: str, column: str, other: Ref) -> Verdict:
    """Two cells that are one result print one number."""
    a, b = cell(table, row, column), cell(*other)
    return Verdict("the same number", f"{a} {'and' if a == b else 'against'} {b}", a == b)


def within_std(table: str, row: str, column: str, other: Ref) -> Verdict:
    """Two cells differ by no more than the larger of their printed stds."""
    one = (table, row, column)
    gap, larger = abs(cell(*one) - cell(*other)), max(std(*one), std(*other))
    return Verdict("within one std", f"differ by {gap}, std {larger}", gap <= larger)


def spread(table: str, rows: Sequence[str], column: str, sign: str, other: Ref) -> Verdict:
    """The best and the worst of these rows lie further apart ('>'), or less far ('<'), than a printed std."""
    values = sorted(cell(table, row, column) for row in rows)
    apart, claimed = values[-1] - values[0], f"{sign}{std(*other)}"
    return Verdict(claimed, f"{values[-1]} - {values[0]} = {apart}", meets(apart, claimed))


def improves(table: str, rows: Sequence[str], columns: Sequence[str]) -> Verdict:
    """Each row gets better from column to column."""
    steps = [(row, pair) for row in rows for pair in pairwise(columns)]
    worse = [f"{row}, {two}: {cell(table, row, one)} to {cell(table, row, two)}" for row, (one, two) in steps
             if (cell(table, row, two) > cell(table, row, one)) != higher_is_better(two)]  # fmt: skip
    return _all_but(worse, len(steps), claimed="better with time, ")


def marked(table: str, mark: str, columns: Sequence[str], best: int = 1, wrn: bool = False) -> Verdict:
    """In each column the best row (bold; the best so many of them) or the second (underline) carries the mark."""
    places = slice(1, 2) if mark == "underline" else slice(best)
    holders = [(row, column) for column in columns for row in ranked(table, column, wrn)[places]]
    bare = [f"{r} {cell(table, r, c)} under {c}" for r, c in holders if marks(table).get((r, c)) != mark]
    return _all_but(bare, len(holders), claimed="marked, ")


def below(table: str, rivals: Sequence[str], column: str, claimed: str, by: str) -> Verdict:
    """An error that only the text prints is below those of the rivals, by more than a std (its own, as printed)."""
    least = min(rivals, key=lambda rival: cell(table, rival, column))
    larger = max(Decimal(by), std(table, least, column, missing=Decimal(0)))
    holds = cell(table, least, column) - Decimal(claimed) > larger
    return Verdict(f"{claimed} below all by {larger}", f"the least is {cell(table, least, column)}", holds)


def near(table: str, row: str, column: str, claimed: str, by: str) -> Verdict:
    """An error that only the text prints differs from a cell by no more than the larger std."""
    gap, larger = abs(cell(table, row, column) - Decimal(claimed)), max(Decimal(by), std(table, row, column))
    return Verdict("within one std", f"differ by {gap}, std {larger}", gap <= larger)


def prints(table: str, row: str, column: str, claimed: str) -> Verdict:
    """The text repeats a cell."""
    return Verdict(claimed, str(cell(table, row, column)), cell(table, row, column) == Decimal(claimed))


def datasets(tables: Sequence[str], claimed: int) -> Verdict:
    """The tables cover this many data sets."""
    found = dict.fromkeys(column.split("/")[0] for table in tables for _, column in cells(table))
    return Verdict(str(claimed), f"{len(found)}: {', '.join(found)}", len(found) == claimed)


def _all_but(exceptions: list[str], total: int, claimed: str) -> Verdict:
    told = "; ".join([f"{total - len(exceptions)} of {total}", *(f"not {text}" for text in exceptions)])
    return Verdict(f"{claimed}{total} of {total}", told, total > 0 and not exceptions)


CHECKS: dict[str, Callable[..., Verdict]] = {
    check.__name__: check
    for check in (
        *(gain, mean_gain, growing, beats, beyond_std, near_best, place, majority, same, within_std, spread),
        *(improves, marked, below, near, prints, datasets),
    )
}
