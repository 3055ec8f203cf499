"""Frames of a table -> Markdown that reads as plain text as well. Pure functions."""

from collections.abc import Sequence

import pandas as pd

from reports.table.text import against, between, columns, grid, pairs, signs


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table that reads as plain text as well."""
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]

    def row(line: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"

    return [row(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(row, lines)]


def paired(frame: pd.DataFrame) -> str:
    """Differences to the baseline seed by seed; empty where there are none."""
    return _section(*against(frame), ["", *columns(frame)], pairs(frame))


def markdown(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    table = aligned(["", *columns(frame)], grid(frame))
    return "\n".join([f"**{title}**", "", *table, "", *(f"- {note}" for note in notes)]) + "\n"


def comparison(compared: pd.DataFrame) -> str:
    """Ours - published; empty where nothing can be compared."""
    head = ["row", "column", "ours (n)", "published (n)", "difference", "95 % interval"]
    lines = []
    for c in compared.itertuples():
        ours, theirs = f"{c.mean:.2f}{signs(c.mark)} ({c.n})", f"{c.published_mean:.2f} ({c.published_n})"
        lines.append([c.row, c.column, ours, theirs, f"{c.difference:+.2f}", between(c.ci_low, c.ci_high)])
    said = "Ours - published, two-sided; Welch's t from both means, stds (as samples') and numbers of seeds."
    return _section("Against the published numbers", said, head, lines)


def overall(totals: pd.DataFrame) -> str:
    """Mean over columns and mean rank; empty where there is nothing to rank."""
    lines = [
        [t.row, "–" if pd.isna(t.mean) else f"{t.mean:.2f}", between(t.ci_low, t.ci_high), f"{t.rank:.2f}"]
        for t in totals.itertuples()
    ]
    said = (
        "Rows measured in every column; ranks from our means, 1 is best; bootstrap over seeds within each column, "
        "too narrow where these are few."
    )
    return _section("Over all columns", said, ["row", "mean", "95 % interval", "mean rank"], lines)


def steps(times: pd.DataFrame) -> str:
    """Training steps done by then; empty for a table without a time axis."""
    if times.empty:
        return ""
    at = times.set_index(["row", "column"])["step"]
    lines = []
    for row in dict.fromkeys(times["row"]):
        found = [at.get((row, column), float("nan")) for column in columns(times)]
        lines.append([row, *("–" if pd.isna(step) else f"{step:,.0f}" for step in found)])
    return _section(
        "Steps by then", "Training steps at the evaluation shown, mean over seeds.", ["", *columns(times)], lines
    )


def _section(heading: str, said: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join([f"**{heading}.** {said}", "", *aligned(head, lines), ""]) if lines else ""
