"""How figures look: one set of matplotlib settings, and a colour, dash and marker for each method.

The colours are those of Okabe and Ito (2008). Any two lines of a figure differ in dash or marker, or in colour as seen
with deuteranopia and protanopia (tests/reports/test_figures.py).
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("agg")

P = ParamSpec("P")
BLACK, GREY = "#1a1a1a", "#8a8a8a"
BLUE, SKY, GREEN, ORANGE, RED, PINK, OCHRE = (
    "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#8C6D1F",
)  # fmt: skip
CYCLE = (BLUE, ORANGE, GREEN, RED, PINK, SKY, OCHRE)
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "osD^vP*X"
METHODS = {
    "Meta-T": (RED, "-", "o"),
    "Green Meta-T": (GREEN, "-", "^"),
    "Meta-Semi": (PINK, "-", "D"),
    "Meta-Semi + ICT": (PINK, DASHES[3], "v"),
    "FixMatch": (BLUE, "-", "s"),
    "FlexMatch": (ORANGE, "-", "P"),
    "Dash": (SKY, "-", "X"),
    "ICT": (OCHRE, DASHES[3], "*"),
    "Supervised": (GREY, "-", "."),
    "Full-Supervised": (BLACK, DASHES[2], "."),
}
RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": BLACK,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.4,
    "figure.facecolor": "white",
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under RC, which leaves the user's own settings alone."""

    @wraps(draw)
    def under_rc(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return under_rc


def panels(
    rows: int, columns: int, width: float = 3.3, height: float = 2.5, **shared: Any
) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, an array [rows, columns]; width and height of one panel are in inches."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def look(name: str, among: Sequence[str]) -> dict[str, Any]:
    """Colour, dash and marker of a line: a method's own, and for another name by its place among the others.

    Markers stand a sixth of the panel's diagonal apart, each line's a little further on, so that they do not cover one
    another.
    """
    others = [other for other in among if other not in METHODS]
    if name in METHODS:
        colour, dash, sign = METHODS[name]
    else:
        place = others.index(name)
        colour, sign = CYCLE[place % len(CYCLE)], MARKERS[place % len(MARKERS)]
        dash = DASHES[1 + place // len(CYCLE) % 2]
    return {
        "color": colour,
        "linestyle": dash,
        "marker": sign,
        "markevery": (0.02 + 0.03 * (list(among).index(name) % 5), 0.16),
        "zorder": 3 if name.endswith(("Meta-T", "Meta-Semi")) else 2,
    }


def time_axis(longest: float) -> tuple[float, str]:
    """(seconds a unit, label) for training times up to `longest` seconds."""
    unit, name = next((u, n) for u, n in ((3600, "h"), (60, "min"), (1, "s")) if longest >= 3 * u or u == 1)
    return float(unit), f"training time ({name})"


def legend_above(figure: Figure, axes: Sequence[Axes], most: int = 8) -> None:
    """One legend for all axes, each name once."""
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(list(found.values()), list(map(str, found)), loc="outside upper center", ncols=min(most, len(found)))
