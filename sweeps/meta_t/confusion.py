"""Meta-T, Figure 6: confusion matrices on the unlabelled set under a long tail; the caption's methods (erratum T21)."""

from sweeps.meta_t import CIFAR10, ROWS, digits_tail, long_tail
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Confusion matrices of the pseudo-labels under a long tail.",
    metric="accuracy",
    rows=pick(ROWS, "FixMatch", "FlexMatch", "Meta-T"),
    columns={"N1=1500 M1=3000 γ=100": f"{CIFAR10} {long_tail(1500, 3000, 100)}"},
    demo={"N1=30 M1=60 γ=20": digits_tail(20)},
)
