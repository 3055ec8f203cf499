"""Headings in words: of a table, a figure, and of the folder that they stand in."""

from reports.figure import FIGURES, draw
from reports.paper import published
from sweeps.names import OWN

GROUPS = published.PAPERS | {"findings": "What the papers leave open", OWN: "Your own tables"}


def heading(name: str) -> str:
    """ "meta_t/table1" -> "Table 1", "meta_t/k" -> "Fig. 7: sensitivity to k", "own/lambda_u" -> "lambda u"."""
    if name in FIGURES:
        return str(draw.module_of(name).TITLE)
    stem = name.partition("/")[2]
    table = name.partition("/")[0] in published.PAPERS
    return f"Table {stem[5:].replace('_', ', ')}" if table else stem.replace("_", " ")


def place(name: str) -> str:
    """The same with its paper: "Meta-T, Table 1"."""
    return f"{GROUPS[name.partition('/')[0]]}, {heading(name)}"
