"""Question 4: error against training time."""

from reports.figure.bands import BAND
from reports.figure.meta_t import cost

TITLE = "The error at equal time"
CAPTION = (
    "Error against training time, by the clock of the machine. All rows train the same steps by the same schedule, so "
    f"that a curve's end is what its row comes to. Mean, and its band: {BAND}."
)
FRAMES = cost.FRAMES
draw = cost.draw
