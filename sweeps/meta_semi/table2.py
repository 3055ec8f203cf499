"""Meta-Semi, Table 2: STL-10 with MixMatch's procedure and its four-stage Wide ResNet (erratum S7)."""

from sweeps.meta_semi import DIGITS, ROWS
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

ROWS_HERE = pick(ROWS, "SWWAE", "CC-GAN", "MixMatch", "Meta-Semi")
COLUMNS = {"STL-10/1000": "task=stl10 backbone=wrn37_2 protocol=mixmatch task.include_labelled=false"}

SWEEP = Sweep(
    caption="Test errors (%) on STL-10.",
    demo_caption="Test errors (%) on digits with 40 labels.",
    rows=ROWS_HERE,
    baseline="MixMatch",
    columns=COLUMNS,
    single=tuned(ROWS_HERE, COLUMNS),
    demo={"digits/40": f"{DIGITS} task.labels=40"},
)
