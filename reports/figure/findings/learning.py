"""Question 2: each row's paired difference to FixMatch, with its interval."""

import pandas as pd
from matplotlib.figure import Figure

from reports.figure.bands import named
from reports.figure.style import BLACK, look, panels, styled
from reports.table.stats import paired

TITLE = "Does learning the thresholds matter?"
CAPTION = (
    "Error less FixMatch's, in points, of the seeds that both have: dots are seeds and their mean, the bar is the 95 % "
    "interval of the mean (Student; left out of two seeds, of which it says next to nothing). Left is better. Frozen: "
    "the thresholds stay what an untrained network makes of its input, near 0.5."
)
FRAMES = ("collect",)
BASELINE = "FixMatch"
FEW = 3  #: seeds below which no interval is drawn


@styled
def draw(runs: pd.DataFrame) -> Figure:
    """`runs` has row, column (a panel), seed and value (%)."""
    runs = runs.dropna(subset=["value"])
    columns, rows = named(runs, "column"), [row for row in named(runs, "row") if row != BASELINE]
    wide = max(3.8, 6.0 / len(columns))  # one panel alone holds the rows' names, too
    figure, axes = panels(1, len(columns), width=wide, height=0.6 + 0.28 * len(rows), sharey=True)
    for ax, column in zip(axes.flat, columns, strict=True):
        values = runs[runs["column"] == column].pivot(index="seed", columns="row", values="value")
        ax.axvline(0, color=BLACK, linewidth=0.8)
        for place, row in enumerate(rows):
            if row not in values or BASELINE not in values:
                continue
            colour = look(row, rows)["color"]
            differences = (values[row] - values[BASELINE]).dropna()
            ax.scatter(differences, [place] * len(differences), s=9, color=colour, alpha=0.4, linewidth=0)
            found = paired(values[row], values[BASELINE])
            if found.n >= FEW:
                ax.plot([found.low, found.high], [place] * 2, color=colour, linewidth=2, solid_capstyle="butt")
            ax.plot(found.mean, place, "o", color=colour, markersize=5)
        said = f"error − {BASELINE}'s (points), {len(values)} seeds"
        ax.set(xlabel=said, title=column, yticks=range(len(rows)), yticklabels=rows)
        ax.grid(visible=False, axis="y")
    axes.flat[0].invert_yaxis()
    return figure
