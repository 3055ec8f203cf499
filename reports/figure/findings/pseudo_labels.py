"""Question 3: right and wrong pseudo-labels at equal time and at equal steps, drawn as Fig. 4."""

from reports.figure.bands import BAND
from reports.figure.meta_t import pseudo_labels

TITLE = "More right and fewer wrong pseudo-labels?"
CAPTION = (
    "Right (left) and wrong (right) pseudo-labels in the selected set over training, in % of the unlabelled inputs of "
    "the step. All rows train the same steps by the same schedule; equal time reads the same runs by the clock. "
    f"Mean, and its band: {BAND}."
)
FRAMES = pseudo_labels.FRAMES
draw = pseudo_labels.draw
