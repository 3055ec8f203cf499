"""Meta-T, Fig. 7: the error over k, how rarely the thresholds learn."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figure.bands import BAND, by, named
from reports.figure.style import RED, panels, styled

TITLE = "Fig. 7: sensitivity to k"
CAPTION = (
    "Meta-T, Fig. 7. Error of Green Meta-T, whose thresholds learn on every k-th step; k = 1 is Meta-T. Points are "
    f"runs, the line is their mean, the band the {BAND}."
)
FRAMES = ("collect",)


@styled
def draw(runs: pd.DataFrame) -> Figure:
    """`runs` has row ("k = 3"), column (a panel), seed and value (%)."""
    runs = runs.dropna(subset=["value"]).assign(k=lambda r: r["row"].str.removeprefix("k = ").astype(int))
    columns = named(runs, "column")
    figure, axes = panels(1, len(columns), width=3.6, height=2.7)
    for ax, column in zip(axes.flat, columns, strict=True):
        here = runs[runs["column"] == column]
        k, mean, low, high = by(here, "k")
        ax.scatter(here["k"], here["value"], s=10, color=RED, alpha=0.45, linewidth=0, label="runs")
        ax.plot(k, mean, "o-", color=RED, markersize=4, label="mean")
        ax.fill_between(k, low, high, color=RED, alpha=0.16, linewidth=0)
        ax.set(xlabel="k", ylabel="error (%)", title=column)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    return figure
