"""Meta-Semi, Table 2: STL-10 with MixMatch's procedure and its four-stage Wide ResNet (erratum S7)."""

from sweeps.meta_semi import DIGITS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Test errors (%) on STL-10.",
    rows={
        "SWWAE": None,
        "CC-GAN": None,
        "MixMatch": None,
        "Meta-Semi": "method=meta_semi",
    },
    columns={"STL-10/1000": "task=stl10 backbone=wrn37_2 protocol=mixmatch task.include_labelled=false"},
    demo={"digits/40": f"{DIGITS} task.labels=40"},
)
