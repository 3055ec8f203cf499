"""Meta-T, Fig. 4: correct and wrong pseudo-labels over training."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from reports.figure.bands import BAND, named, on_grid, plot
from reports.figure.style import legend_above, look, panels, styled, time_axis

TITLE = "Fig. 4: pseudo-labels"
CAPTION = (
    "Meta-T, Fig. 4. Correct (left) and wrong (right) pseudo-labels in the selected set over training, in % of the "
    "unlabelled inputs that the step saw (wrong: linear up to 1 %, logarithmic above). Equal time: Meta-T trains 300 "
    "epochs and the others 1,000, with equal batches, by the clock of our device (erratum T32); equal procedure: all "
    f"train the same steps by the same schedule. Mean, and its band: {BAND}."
)
FRAMES = ("curves",)


@styled
def draw(curves: pd.DataFrame) -> Figure:
    """`curves` has row, column ("equal time: ..." or "equal procedure: ..."), seed, step, seconds, correct, wrong."""
    columns, rows = named(curves, "column"), named(curves, "row")
    figure, axes = panels(len(columns), 2, width=3.7, height=2.35)
    for line, column in zip(axes, columns, strict=True):
        here = curves[curves["column"] == column]
        timed = column.startswith("equal time")
        unit, label = time_axis(here["seconds"].max()) if timed else (1.0, "training step")
        for ax, kind in zip(line, ("correct", "wrong"), strict=True):
            for row in rows:
                grid, values = on_grid(here[here["row"] == row], "seconds" if timed else "step", kind)
                plot(ax, grid / unit, 100 * values, row, **look(row, rows))
            ax.set(xlabel=label, ylabel=f"{kind} (%)", title=column[0].upper() + column[1:])
            ax.set_xlim(left=0)
            if kind == "wrong":  # few, once training is under way: linear up to 1 %, logarithmic above
                ax.set_yscale("symlog", linthresh=1, linscale=0.6)
                ax.yaxis.set_major_locator(FixedLocator([0, 0.5, 1, 2, 5, 10, 20, 50, 100]))
                ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_ylim(bottom=0, top=102)
    legend_above(figure, list(axes.flat))
    return figure
