"""Frames of a table -> LaTeX with booktabs, ready for a paper. Pure functions.

A table that is wider than the text is cut into several, one below the other, whose widths are reckoned from those of
Computer Modern's letters at the size that \\small has.
"""

import re
from collections.abc import Sequence

import pandas as pd

from reports.table.text import against, columns, grid, pairs

# fmt: off
TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "<": r"$<$", ">": r"$>$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--",
    "±": r"$\pm$", "−": "$-$", "×": r"$\times$", "†": r"$^\dagger$", "‡": r"$^\ddagger$", "§": r"$^\S$", "¶": r"$^\P$",
    "‖": r"$^\parallel$", "◊": r"$^\diamond$",
    "Π": r"$\Pi$", "β": r"$\beta$", "γ": r"$\gamma$", "τ": r"$\tau$",
}
# fmt: on
TEXT_WIDTH = 345.0  #: pt, of the article class; a column of two has about 240
GAP = 6.0  #: pt between two columns of a table
MARKED = {"**": "textbf", "__": "underline"}
SECOND = "Underlined: the best of the others."


def latex(
    frame: pd.DataFrame, caption: str, notes: Sequence[str], left: Sequence[str] = (), name: str = "table",
    width: float = TEXT_WIDTH,
) -> str:  # fmt: skip
    """The table with its notes; then the paired differences to the baseline, where there are any, as one more.

    left: what is no matter for a reader, such as runs that are missing: comments. width: of the text, in pt.
    """
    what = (notes[0] if notes else "").rpartition(" in %, ")[2] + f" {SECOND}" * bool(frame["second"].any())
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    parts = [f"% {line}" for line in left]
    said = f"{caption} {what[:1].upper()}{what[1:]}".strip()
    parts += _float(said, label, columns(frame), grid(frame, True), notes[1:], width)
    if differences := pairs(frame):
        said = f"{caption} {'. '.join(against(frame))}"
        parts += _float(said, f"{label}-paired", columns(frame), differences, (), width)
    return "\n".join([*parts, ""])


def _float(
    caption: str, label: str, head: Sequence[str], lines: Sequence[Sequence[str]], notes: Sequence[str], width: float
) -> list[str]:
    tables = _tables(head, lines, width)
    inside = [
        r"\centering",
        r"\small",
        rf"\setlength{{\tabcolsep}}{{{GAP / 2:g}pt}}",
        rf"\caption{{{_tex(caption)}}}",
        rf"\label{{tab:{label}}}",
        *(line for k, table in enumerate(tables) for line in ([r"\par\medskip"] if k else []) + table),
        *(rf"\par\footnotesize {_tex(text)}" for text in notes),
    ]
    return [r"\begin{table}", *(f"  {line}" for line in inside), r"\end{table}"]


def _tables(head: Sequence[str], lines: Sequence[Sequence[str]], width: float) -> list[list[str]]:
    """The table, or its parts beside which the rows' names stand again."""
    names = max((length(line[0]) for line in lines), default=0.0) + GAP
    blocks: list[list[int]] = [[]]
    used = names
    for k, name in enumerate(head):
        own = max([*map(length, _words(name)), *(length(line[k + 1]) for line in lines)]) + GAP
        if blocks[-1] and used + own > width:
            blocks.append([])
            used = names
        blocks[-1].append(k)
        used += own
    return [_tabular([head[k] for k in block], [[line[0], *(line[k + 1] for k in block)] for line in lines])
            for block in blocks]  # fmt: skip


def _tabular(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text under a head of columns, a word a line; the first column names the rows."""
    words = [_words(name) for name in head]
    most = max(map(len, words))
    heads = zip(*([""] * (most - len(w)) + w for w in words), strict=True)
    return [
        r"\begin{tabular}{@{}l" + "c" * len(head) + "@{}}",
        r"  \toprule",
        *("  " + " & ".join(["", *map(_tex, line)]) + r" \\" for line in heads),
        r"  \midrule",
        *("  " + " & ".join(map(_tex, line)) + r" \\" for line in lines),
        r"  \bottomrule",
        r"\end{tabular}",
    ]


def _words(name: str) -> list[str]:
    return name.split() or [""]


def length(text: str) -> float:
    """How wide a text is, in pt: never less than it is set in Computer Modern at 9 pt."""
    plain = text.replace("**", "").replace("__", "").strip()
    bold = 1.15 if "**" in text else 1.0
    return 0.93 * bold * sum(map(_letter, plain)) + 10.0 * text.startswith("  ")


def _letter(letter: str) -> float:
    """Of a letter at 10 pt."""
    if letter.isdigit() or letter == "–":
        return 5.0
    if letter in " .,:;'|!()[]/iljtf@":
        return 7.8 if letter == "@" else 5.0 if letter == "/" else 3.9
    if letter.isupper():
        return 10.3 if letter == "W" else 9.2 if letter == "M" else 7.9
    return 8.4 if letter in "mw" else 5.6 if letter.isalpha() else 7.8


def _tex(text: str) -> str:
    if text.startswith("  "):
        return r"\quad " + _tex(text.strip())
    for mark, command in MARKED.items():
        if text.startswith(mark):
            inside, _, rest = text[2:].partition(mark)
            return rf"\{command}{{{_tex(inside)}}}{_tex(rest)}"
    return "".join(TEX.get(letter, letter) for letter in re.sub(r"(?<!\S)(\[?)-(?=\d)", r"\1−", text))
