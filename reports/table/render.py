"""Summary frames (reports.table.summary) -> Markdown or LaTeX. Pure functions."""

from collections.abc import Sequence

import pandas as pd

SIGNS = {"budget": "‡", "backbone": "†", "labels": "§", "selection": "¶"}
# fmt: off
TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "<": r"$<$", ">": r"$>$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--",
    "±": r"$\pm$", "×": r"$\times$", "†": r"$^\dagger$", "‡": r"$^\ddagger$", "§": r"$^\S$", "¶": r"$^\P$",
    "Π": r"$\Pi$", "β": r"$\beta$", "γ": r"$\gamma$", "τ": r"$\tau$",
}
# fmt: on


def number(mean: float, std: float) -> str:
    """'4.39±0.28', or '4.39' where there is no std."""
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f}±{std:.2f}"


def between(low: float, high: float) -> str:
    """'[-0.42, 1.03]', or a dash."""
    return "–" if pd.isna(low) else f"[{low:.2f}, {high:.2f}]"


def signs(mark: str) -> str:
    """What sets a cell apart from the published one, as the legend below the table has it."""
    return "".join(SIGNS[name] for name in mark.split(";") if name)


def ours(cell: pd.Series) -> str:
    """One measured cell, and from how many of its seeds."""
    if cell["state"] == "absent":
        return "–"
    if cell["state"] != "measured":
        return str(cell["state"])
    text = number(cell["mean"], cell["std"])
    if cell["best"]:
        text = f"**{text}**"
    return f"{text}{signs(cell['mark'])} ({cell['n']} of {cell['wanted']})"


def grid(frame: pd.DataFrame) -> list[list[str]]:
    """Rows of text: the measured line of each row, and below it the published one where it has any."""
    columns = list(dict.fromkeys(frame["column"]))
    lines = []
    for row, own in frame.groupby("row", sort=False):
        cells = own.set_index("column")
        lines.append([row, *(ours(cells.loc[column]) for column in columns)])
        if cells["printed"].any():
            lines.append(["  published", *(cells.loc[column, "printed"] or "–" for column in columns)])
    return lines


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table that reads as plain text as well."""
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]

    def row(line: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"

    return [row(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(row, lines)]


def markdown(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    table = aligned(["", *dict.fromkeys(frame["column"])], grid(frame))
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
    columns = list(dict.fromkeys(times["column"]))
    at = times.set_index(["row", "column"])["step"]
    lines = []
    for row in dict.fromkeys(times["row"]):
        found = [at.get((row, column), float("nan")) for column in columns]
        lines.append([row, *("–" if pd.isna(step) else f"{step:,.0f}" for step in found)])
    return _section("Steps by then", "Training steps at the evaluation shown, mean over seeds.", ["", *columns], lines)


def _section(heading: str, said: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join([f"**{heading}.** {said}", "", *aligned(head, lines), ""]) if lines else ""


def latex(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """A booktabs table."""
    columns = list(dict.fromkeys(frame["column"]))
    body = [" & ".join(map(_tex, line)) + r" \\" for line in grid(frame)]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{_tex(title)}}}",
            r"  \begin{tabular}{l" + "c" * len(columns) + "}",
            r"    \toprule",
            "    " + " & ".join(["", *map(_tex, columns)]) + r" \\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            *(rf"  \par\footnotesize {_tex(note)}" for note in notes),
            r"\end{table}",
            "",
        ]
    )


def _tex(text: str) -> str:
    if text.startswith("  "):
        return r"\quad " + _tex(text.strip())
    if text.startswith("**"):
        inside, _, rest = text[2:].partition("**")
        return rf"\textbf{{{_tex(inside)}}}{_tex(rest)}"
    return "".join(TEX.get(letter, letter) for letter in text)
