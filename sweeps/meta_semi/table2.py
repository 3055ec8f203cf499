"""Meta-Semi, Table 2: STL-10 with MixMatch's procedure and its four-stage Wide ResNet (erratum S7).

The first stage keeps 96x96, so that the last map is 12x12: google-research/mixmatch, libml/models.py, with --scales=4.
"""

from sweeps.meta_semi import DIGITS, ROWS
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

ROWS_HERE = pick(ROWS, "SWWAE", "CC-GAN", "MixMatch", "Meta-Semi")
NET = "backbone=wrn37_2 backbone.first_stride=1"
COLUMNS = {"STL-10/1000": f"task=stl10 {NET} protocol=mixmatch task.include_labelled=false"}

SWEEP = Sweep(
    caption="Test errors (%) on STL-10.",
    demo_caption="Test errors (%) on digits with 40 labels.",
    rows=ROWS_HERE,
    baseline="MixMatch",
    columns=COLUMNS,
    single=tuned(ROWS_HERE, COLUMNS),
    demo={"digits/40": f"{DIGITS} task.labels=40"},
)
