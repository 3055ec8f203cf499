"""Question 4: the error over k, drawn as Fig. 7."""

from reports.figure.bands import BAND
from reports.figure.meta_t import k

TITLE = "How rarely may the thresholds learn?"
CAPTION = (
    "Error of Green Meta-T, whose thresholds learn on every k-th step; k = 1 is Meta-T. Points are runs, the line is "
    f"their mean, the band the {BAND}."
)
FRAMES = k.FRAMES
draw = k.draw
