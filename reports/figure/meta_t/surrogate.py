"""Meta-T, Fig. 2: the indicator and its surrogate. It needs no runs."""

import numpy as np
from matplotlib.figure import Figure

from reports.figure.style import BLUE, RED, panels, styled

TITLE = "Fig. 2: the surrogate"
CAPTION = (
    "Meta-T, Fig. 2. The indicator and the function that stands for it, S(x) = 1 / (1 + exp(−βx)) with β = 100; "
    "x = max p − τ."
)
FRAMES: tuple[str, ...] = ()
BETA = 100.0


def surrogate(x: np.ndarray, beta: float = BETA) -> np.ndarray:
    """S(x) = 1 / (1 + exp(-beta x)), Sec. 4.1."""
    return 1 / (1 + np.exp(-beta * x))


@styled
def draw() -> Figure:
    figure, axes = panels(1, 1, width=4.6, height=3.1)
    ax = axes[0, 0]
    inset = ax.inset_axes((0.58, 0.2, 0.38, 0.52), xlim=(-0.06, 0.06), ylim=(-0.05, 1.05))
    for where, reach in ((ax, 1.0), (inset, 0.06)):
        x = np.linspace(-reach, reach, 2001)
        where.plot([-reach, 0, 0, reach], [0, 0, 1, 1], color=BLUE, linestyle=(0, (4, 1.5)), label="indicator 1(x > 0)")
        where.plot(x, surrogate(x), color=RED, label="S(x), β = 100")
    inset.set(xticks=(-0.05, 0, 0.05), yticks=(0, 0.5, 1), title="near 0")
    inset.tick_params(labelsize=7)
    inset.title.set_fontsize(8)
    inset.patch.set_alpha(0.95)
    ax.set(xlabel="x = max p − τ", ylabel="gate", xlim=(-1, 1), ylim=(-0.05, 1.05))
    ax.legend(loc="upper left")
    return figure
