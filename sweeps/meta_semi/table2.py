"""Meta-Semi, Table 2: STL-10 with MixMatch's procedure and its four-stage Wide ResNet (erratum S7)."""

from sweeps.meta_semi import DIGITS, ROWS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Test errors (%) on STL-10.",
    rows=pick(ROWS, "SWWAE", "CC-GAN", "MixMatch", "Meta-Semi"),
    baseline="MixMatch",
    columns={"STL-10/1000": "task=stl10 backbone=wrn37_2 protocol=mixmatch task.include_labelled=false"},
    demo={"digits/40": f"{DIGITS} task.labels=40"},
)
