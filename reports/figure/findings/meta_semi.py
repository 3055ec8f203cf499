"""Question 5: what Meta-Semi's weights keep."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from reports.figure.bands import BAND, named, over_training
from reports.figure.style import legend_above, panels, styled

TITLE = "What do Meta-Semi's weights keep?"
CAPTION = (
    "Over training: the share of pseudo-labels that are kept; the share that is right, of all; how much more often the "
    "kept ones are right than the dropped ones, in points, and nothing where all are kept; the test error. A weight is "
    f"of a mixture, and counts for the input that leads it. Mean, and its band: {BAND}."
)
FRAMES = ("curves",)
PANELS = {
    "selected": "pseudo-labels kept",
    "right": "pseudo-labels right",
    "gain": "right, kept − dropped",
    "error": "test error (%)",
}
LEAST = 0.01  #: a share of dropped inputs below which nothing is said of them


def with_gain(curves: pd.DataFrame) -> pd.DataFrame:
    """`curves` with gain: P(right | kept) - P(right | dropped), NaN where hardly any is kept, or dropped."""
    kept = curves["selected"].where(curves["selected"].between(LEAST, 1 - LEAST))
    return curves.assign(gain=curves["correct"] / kept - (curves["right"] - curves["correct"]) / (1 - kept))


@styled
def draw(curves: pd.DataFrame) -> Figure:
    """`curves` has row (a line), column (a line of panels), seed, step, selected, correct, right and error."""
    curves = with_gain(curves)
    columns, rows = named(curves, "column"), named(curves, "row")
    figure, axes = panels(len(columns), len(PANELS), width=3.0, height=2.4)
    for line, column in zip(axes, columns, strict=True):
        here = curves[curves["column"] == column]
        for ax, (field, label) in zip(line, PANELS.items(), strict=True):
            over_training(ax, here, field, rows)
            ax.set(ylabel=label, title=column if field == "selected" else "")
            if field != "error":
                ax.yaxis.set_major_formatter(PercentFormatter(1))
    legend_above(figure, list(axes.flat))
    return figure
