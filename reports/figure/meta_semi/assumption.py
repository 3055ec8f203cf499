"""Meta-Semi, Fig. 2: the ratio that Assumption 1 bounds, over training."""

import pandas as pd
from matplotlib.figure import Figure

from reports.figure.bands import BAND, named, over_training
from reports.figure.style import panels, styled

TITLE = "Fig. 2: Assumption 1"
CAPTION = (
    "Meta-Semi, Fig. 2. The ratio that Assumption 1 bounds, E‖∇L_meta‖² / ‖∇E G‖², estimated at each evaluation by "
    f"Monte-Carlo; a line per number of labels. Mean, and its band: {BAND}."
)
FRAMES = ("curves",)


@styled
def draw(curves: pd.DataFrame) -> Figure:
    """`curves` has row, column (a line), seed, step and ratio."""
    figure, axes = panels(1, 1, width=5.2, height=3.0)
    ax = axes[0, 0]
    over_training(ax, curves, "ratio", named(curves, "column"), by="column")
    ax.set(ylabel="E‖∇L$_{meta}$‖² / ‖∇E G‖²")
    ax.set_ylim(bottom=0)
    ax.legend()
    return figure
