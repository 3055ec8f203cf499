"""Meta-Semi, Fig. 3: the error over MixUp's β."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from reports.figure.bands import BAND, by, named
from reports.figure.style import MARKERS, METHODS, panels, styled

TITLE = "Fig. 3: sensitivity to β"
CAPTION = (
    "Meta-Semi, Fig. 3. Error over β of MixUp: Meta-Semi, and beside it ICT with each recommended weight w of its "
    f"consistency term. Mean and {BAND}."
)
FRAMES = ("collect",)
OURS: dict[str, Any] = {
    "color": METHODS["Meta-Semi"][0], "marker": "D", "markersize": 5, "linewidth": 2, "zorder": 3
}  # fmt: skip
OTHER = {"markersize": 4, "linewidth": 1.2, "linestyle": "--", "zorder": 2}


def split(column: str) -> tuple[str, float]:
    """ "digits/40, β=0.5" -> ("digits/40", 0.5)."""
    setting, _, beta = column.rpartition("β=")
    return setting.rstrip(", "), float(beta)


@styled
def draw(runs: pd.DataFrame) -> Figure:
    """`runs` has row (a line), column ("β=0.5", or with a setting before it), seed and value (%)."""
    runs = runs.dropna(subset=["value"])
    runs = runs.assign(
        setting=[split(column)[0] for column in runs["column"]], beta=[split(column)[1] for column in runs["column"]]
    )
    settings, rows = named(runs, "setting"), named(runs, "row")
    others = [row for row in rows if row != "Meta-Semi"]
    blues = colormaps["Blues"](np.linspace(0.4, 0.95, len(others)))
    figure, axes = panels(1, len(settings), width=5.2, height=3.1)
    for ax, setting in zip(axes.flat, settings, strict=True):
        for row in rows:
            here = runs[(runs["setting"] == setting) & (runs["row"] == row)]
            if here.empty:
                continue
            beta, mean, low, high = by(here, "beta")
            place = others.index(row) if row in others else 0
            look = OURS if row == "Meta-Semi" else OTHER | {"color": blues[place], "marker": MARKERS[place]}
            ax.errorbar(beta, mean, (mean - low, high - mean), label=row, capsize=2, elinewidth=0.8, **look)
        ax.set(xlabel="β", ylabel="error (%)", title=setting, xticks=sorted(runs["beta"].unique()))
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure
