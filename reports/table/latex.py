"""Frames of a table -> LaTeX with booktabs. Pure functions."""

import re
from collections.abc import Sequence

import pandas as pd

from reports.table.text import against, columns, grid, pairs

# fmt: off
TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "<": r"$<$", ">": r"$>$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--",
    "±": r"$\pm$", "−": "$-$", "×": r"$\times$", "†": r"$^\dagger$", "‡": r"$^\ddagger$", "§": r"$^\S$", "¶": r"$^\P$",
    "‖": r"$^\|$",
    "Π": r"$\Pi$", "β": r"$\beta$", "γ": r"$\gamma$", "τ": r"$\tau$",
}
# fmt: on


def latex(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """A table, its notes, and below them the paired differences to the baseline where there are any."""
    lines = [r"\centering", rf"\caption{{{_tex(title)}}}", *_tabular(columns(frame), grid(frame)), *map(_note, notes)]
    if differences := pairs(frame):
        heading, said = against(frame)
        lines += [r"\par\medskip", *_tabular(columns(frame), differences), _note(f"{heading}. {said}")]
    return "\n".join([r"\begin{table}", *(f"  {line}" for line in lines), r"\end{table}", ""])


def _tabular(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text under a head of columns; the first column names the rows."""
    return [
        r"\begin{tabular}{l" + "c" * len(head) + "}",
        r"  \toprule",
        "  " + " & ".join(["", *map(_tex, head)]) + r" \\",
        r"  \midrule",
        *("  " + " & ".join(map(_tex, line)) + r" \\" for line in lines),
        r"  \bottomrule",
        r"\end{tabular}",
    ]


def _note(text: str) -> str:
    return rf"\par\footnotesize {_tex(text)}"


def _tex(text: str) -> str:
    if text.startswith("  "):
        return r"\quad " + _tex(text.strip())
    if text.startswith("**"):
        inside, _, rest = text[2:].partition("**")
        return rf"\textbf{{{_tex(inside)}}}{_tex(rest)}"
    return "".join(TEX.get(letter, letter) for letter in re.sub(r"(?<!\S)(\[?)-(?=\d)", r"\1−", text))
