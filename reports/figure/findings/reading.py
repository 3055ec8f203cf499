"""Question 1: what each reading of Meta-T makes of the thresholds, over training."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from reports.figure.bands import BAND, named, over_training
from reports.figure.style import legend_above, panels, styled

TITLE = "Which reading lets the thresholds rise?"
CAPTION = (
    "Meta-T as read in several ways, over training. Class-average threshold τ (Fig. 5c); the share of unlabelled "
    "inputs within 0.05 of their threshold, of which alone the thresholds learn; the share with a negative influence, "
    "of which the labelled loss wants more, half where it tells nothing; the norm of the gradient that the threshold "
    f"network gets; the share of pseudo-labels above their threshold; the test error. Mean, and its band: {BAND}."
)
FRAMES = ("curves",)
PANELS = {
    "threshold": "class-average threshold τ",
    "band": "|max p − τ| < 0.05",
    "negative": "negative influence",
    "meta_gradient": "norm of the TGN's gradient",
    "selected": "pseudo-labels selected",
    "error": "test error (%)",
}


@styled
def draw(curves: pd.DataFrame) -> Figure:
    """`curves` has row (a line), column (three panels over three), seed, step and the fields of PANELS."""
    columns, rows = named(curves, "column"), named(curves, "row")
    figure, axes = panels(2 * len(columns), 3, width=3.3, height=2.3)
    for place, column in enumerate(columns):
        here = curves[curves["column"] == column]
        six = axes[2 * place : 2 * place + 2].flat
        for ax, (field, label) in zip(six, PANELS.items(), strict=True):
            over_training(ax, here, field, rows)
            ax.set(ylabel=label, title=column if field == "threshold" else "")
            if field in ("band", "negative", "selected"):
                ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
                ax.set_ylim(bottom=0)
            elif field == "threshold":
                ax.set_ylim(0, 1.02)
            elif field == "meta_gradient":
                ax.set_yscale("log")
    legend_above(figure, list(axes.flat), most=3)
    return figure
