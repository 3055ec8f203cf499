"""Meta-T, Table 3: long tails, measured on the balanced test set.

Whose runs the paper's baselines are is not known; here they run FixMatch's procedure. The row apart: the unlabelled
pool without the labelled images, M_c of a class and not N_c + M_c (erratum T33).
"""

from sweeps.meta_t import CIFAR10, ROWS, digits_tail, long_tail
from sweeps.sweep import Sweep, pick

APART = "Meta-T, labelled images apart"
ROWS_HERE = pick(
    ROWS,
    *("Supervised", "cRT", "LDAM", "MixMatch", "ReMixMatch", "DARP", "CReST", "Adsh"),
    *("FixMatch", "Dash", "FlexMatch", "Meta-T", "CReST+"),
) | {APART: f"{ROWS['Meta-T']} task.include_labelled=false"}

SWEEP = Sweep(
    caption="Top-1 test accuracy (%) on imbalanced CIFAR-10 under three ratios and two sizes of the labelled set.",
    demo_caption="Top-1 test accuracy (%) on imbalanced digits under two ratios.",
    metric="accuracy",
    rows=ROWS_HERE,
    beside=("CReST+", APART),
    columns={
        f"N1={n1} M1={m1} γ={gamma}": f"{CIFAR10} {long_tail(n1, m1, gamma)}"
        for n1, m1 in ((1500, 3000), (500, 4000))
        for gamma in (50, 100, 150)
    },
    remarks=(
        "Other budgets than in the methods' own code: CReST and CReST+ share the procedure's 1,048,576 steps among six "
        "generations, where theirs trains 65,536 steps in each; DARP runs them all by SGD, where its code has 250,000 "
        "steps by Adam at 0.002 and warms up for 100,000; cRT and LDAM train as long as FixMatch does, where theirs "
        "count epochs of the labelled set.",
    ),
    demo={f"N1=30 M1=60 γ={gamma}": digits_tail(gamma) for gamma in (10, 20)},
)
