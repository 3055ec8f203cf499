"""Question 5: what do Meta-Semi's 0/1 weights keep, and do they beat L2RW's or a constant?"""

from sweeps.findings import DEMO, HALVED
from sweeps.meta_semi import ROWS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Weights of pseudo-labels by the sign of their influence, by its size, and constant.",
    rows={
        **pick(ROWS, "Meta-Semi", "Learning to Reweight"),
        "Reweighting with the constant 1": "method=meta_semi_constant",
        "Reweighting with -1 and 1": "method=meta_semi_signed",
    },
    baseline="Meta-Semi",
    columns={"CIFAR-10, 16×16/250": f"protocol=fixmatch {HALVED} task.labels=250"},
    demo={f"digits/{n}": DEMO[f"digits/{n}"] for n in (10, 40)},
    seeds=5,
    demo_seeds=5,
)
