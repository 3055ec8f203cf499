"""Error against training time; the papers have no such figure."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.figure.bands import BAND, named, on_grid, plot
from reports.figure.style import look, panels, styled, time_axis

TITLE = "Error against time"
CAPTION = (
    "Error against training time; the papers have no such figure. Time counts training alone, on the "
    f"machine of each run. Mean, and its band: {BAND}. The legend is ordered by the last error."
)
FRAMES = ("curves",)


@styled
def draw(curves: pd.DataFrame) -> Figure:
    """`curves` has row (a line), column (a panel), seed, seconds and error (%)."""
    columns, rows = named(curves, "column"), named(curves, "row")
    figure, axes = panels(1, len(columns), width=6.6, height=3.6)
    for ax, column in zip(axes.flat, columns, strict=True):
        here = curves[curves["column"] == column]
        unit, label = time_axis(here["seconds"].max())
        for row in rows:
            grid, values = on_grid(here[here["row"] == row], "seconds", "error")
            plot(ax, grid / unit, values, row, **look(row, rows))
        ax.set(xlabel=label, ylabel="error (%)", title=column, xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        handles, labels = ax.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda k: -handles[k].get_ydata()[-1])
        ax.legend(
            [handles[k] for k in order], [labels[k] for k in order], loc="center left", bbox_to_anchor=(1.01, 0.5)
        )
    return figure
