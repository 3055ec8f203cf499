"""Meta-T, Figure 5: learned thresholds. Panels a, b and c stand before the colon of a column's name.

a: their distribution over all unlabelled data, from pseudo.csv.gz; b: by class under a long tail (many: classes 0-3,
medium: 4-6, few: 7-9) beside the accuracy; c: their class average over training. The caption decides that c is STL-10
with 40 labels (erratum T21).
"""

from sweeps.meta_t import CIFAR10, CIFAR100, DIGITS, ROWS, STL10, digits_tail, long_tail
from sweeps.sweep import Sweep, pick

BALANCED = ("a: CIFAR-10/250", "a: CIFAR-100/2500", "a: digits/40", "a: digits/10")

SWEEP = Sweep(
    caption="Learned confidence thresholds.",
    rows=pick(ROWS, "FixMatch", "FlexMatch", "Dash", "Meta-T"),
    columns={
        "a: CIFAR-10/250": f"{CIFAR10} task.labels=250",
        "a: CIFAR-100/2500": f"{CIFAR100} task.labels=2500",
        "b: N1=1500 M1=3000 γ=100": f"{CIFAR10} {long_tail(1500, 3000, 100)}",
        "c: STL-10/40": f"{STL10} task.labels=40 task.balance=equal",
    },
    demo={
        "a: digits/40": f"{DIGITS} task.labels=40",
        "a: digits/10": f"{DIGITS} task.labels=10",
        "b: N1=30 M1=60 γ=20": digits_tail(20),
        "c: digits/40": f"{DIGITS} task.labels=40",
    },
    single={("Meta-T", "c: STL-10/40"): "protocol.ratio=4"},  # Table 6
    metrics={"b: N1=1500 M1=3000 γ=100": "accuracy", "b: N1=30 M1=60 γ=20": "accuracy"},
    absent=frozenset((row, column) for row in ("FixMatch", "FlexMatch", "Dash") for column in BALANCED),
)
