"""A summary frame (reports.table.summarise) -> Markdown or LaTeX. Pure functions."""

from collections.abc import Sequence

import pandas as pd

SIGNS = {"budget": "‡", "backbone": "†"}


def number(mean: float, std: float) -> str:
    """'4.39±0.28', or '4.39' where there is no std."""
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f}±{std:.2f}"


def ours(cell: pd.Series) -> str:
    """One measured cell; where it has fewer seeds than wanted, their number stands behind it."""
    if cell["state"] == "absent":
        return "–"
    if cell["state"] != "measured":
        return cell["state"]
    text = number(cell["mean"], cell["std"])
    if cell["best"]:
        text = f"**{text}**"
    text += "".join(SIGNS[mark] for mark in cell["mark"].split(";") if mark)
    return f"{text} ({cell['n']} of {cell['wanted']})"


def grid(frame: pd.DataFrame) -> list[list[str]]:
    """Rows of text: the measured line of each row, and below it the published one where it has any."""
    columns = list(dict.fromkeys(frame["column"]))
    lines = []
    for row in dict.fromkeys(frame["row"]):
        cells = frame[frame["row"] == row].set_index("column")
        lines.append([row, *(ours(cells.loc[column]) for column in columns)])
        if cells["published_mean"].notna().any():
            printed = (cells.loc[c, ["published_mean", "published_std"]] for c in columns)
            lines.append(["  published", *("–" if pd.isna(m) else number(m, s) for m, s in printed)])
    return lines


def markdown(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """Aligned, so that it reads as plain text as well."""
    head = ["", *dict.fromkeys(frame["column"])]
    lines = grid(frame)
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]

    def row(line: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([f"**{title}**", "", row(head), rule, *map(row, lines), "", *(f"- {n}" for n in notes)]) + "\n"


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
    for plain, escaped in (("\\", r"\textbackslash{}"), ("&", r"\&"), ("%", r"\%"), ("_", r"\_"), ("#", r"\#")):
        text = text.replace(plain, escaped)
    for plain, escaped in (
        ("±", r"$\pm$"),
        ("†", r"$^\dagger$"),
        ("‡", r"$^\ddagger$"),
        ("Π", r"$\Pi$"),
        ("–", "--"),
        ("γ", r"$\gamma$"),
    ):
        text = text.replace(plain, escaped)
    return text
