"""Summary frames -> the text of a table's cells, as Markdown and LaTeX both have it. Pure functions."""

import pandas as pd

SIGNS = {"budget": "‡", "backbone": "†", "labels": "§", "selection": "¶", "code": "‖", "words": "◊"}


def columns(frame: pd.DataFrame) -> list[str]:
    """The table's columns in their order."""
    return list(dict.fromkeys(frame["column"]))


def number(mean: float, std: float) -> str:
    """'4.39±0.28', or '4.39' where there is no std."""
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f}±{std:.2f}"


def between(low: float, high: float) -> str:
    """'[-0.42, 1.03]', or a dash."""
    return "–" if pd.isna(low) else f"[{low:.2f}, {high:.2f}]"


def apart(difference: float, low: float, high: float) -> str:
    """'-1.20 [-3.05, +0.65]', '-1.20' where there is no interval, or a dash where there is no difference."""
    if pd.isna(difference):
        return "–"
    return f"{difference:+.2f}" + ("" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]")


def signs(mark: str) -> str:
    """What sets a cell apart from the published one, as the legend below the table has it."""
    return "".join(SIGNS[name] for name in mark.split(";") if name)


def ours(cell: pd.Series, underline: bool = False) -> str:
    """One cell; a measured one says from how many seeds it is where some are missing.

    The best stand in **, and if `underline` the next in __.
    """
    if cell["state"] == "absent":
        return "–"
    if cell["state"] != "measured":
        return str(cell["state"])
    text = number(cell["mean"], cell["std"])
    if cell["best"]:
        text = f"**{text}**"
    elif underline and cell["second"]:
        text = f"__{text}__"
    return f"{text}{signs(cell['mark'])}{some(cell['n'], cell['wanted'])}"


def some(n: int, wanted: int) -> str:
    """' (1 of 2)' where seeds are missing, else nothing."""
    return f" ({n} of {wanted})" if n < wanted else ""


def grid(frame: pd.DataFrame, underline: bool = False) -> list[list[str]]:
    """Rows of text: the measured line of each row, and below it the published one where it has any."""
    lines = []
    for row, own in frame.groupby("row", sort=False):
        cells = own.set_index("column").loc[columns(frame)]
        lines.append([row, *(ours(cell, underline) for _, cell in cells.iterrows())])
        if cells["printed"].any():
            lines.append(["  published", *(printed or "–" for printed in cells["printed"])])
    return lines


def pairs(frame: pd.DataFrame) -> list[list[str]]:
    """Rows of text: each row's paired differences to the baseline; empty where there is none."""
    lines = []
    for row, own in frame.groupby("row", sort=False):
        cells = own.set_index("column").loc[columns(frame)]
        if cells["pairs"].any():
            lines.append([row, *(to_baseline(cell) for _, cell in cells.iterrows())])
    return lines


def to_baseline(cell: pd.Series) -> str:
    """A cell's paired difference to the baseline, and from how many seeds it is where some are missing."""
    text = apart(cell["difference"], cell["difference_low"], cell["difference_high"])
    return text + (some(cell["pairs"], cell["wanted"]) if cell["pairs"] else "")


def against(frame: pd.DataFrame) -> tuple[str, str]:
    """The heading of the paired differences, and what they are."""
    baseline = "".join({name for name in frame["baseline"] if name})
    return f"Against {baseline}, seed by seed", (
        f"Row - {baseline} on the same seeds, and so the same splits: the mean over seeds and its 95 % t interval. "
        "One seed has no interval, nor have differences that are all the same."
    )
