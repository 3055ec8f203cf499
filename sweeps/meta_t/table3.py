"""Meta-T, Table 3: long tails, measured on the balanced test set.

Whose runs the paper's baselines are is not known; here they run FixMatch's procedure.
"""

from sweeps.meta_t import CIFAR10, digits_tail, long_tail
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Top-1 test accuracy (%) on imbalanced CIFAR-10 under three ratios and two sizes of the labelled set.",
    metric="accuracy",
    rows={
        "Supervised": "method=supervised",
        "cRT": None,
        "LDAM": None,
        "MixMatch": None,
        "ReMixMatch": None,
        "DARP": None,
        "CReST": None,
        "Adsh": None,
        "FixMatch": "method=fixmatch",
        "Dash": "method=dash",
        "FlexMatch": "method=flexmatch",
        "Meta-T": "method=meta_t protocol=meta_t",
    },
    columns={
        f"N1={n1} M1={m1} γ={gamma}": f"{CIFAR10} {long_tail(n1, m1, gamma)}"
        for n1, m1 in ((1500, 3000), (500, 4000))
        for gamma in (50, 100, 150)
    },
    demo={f"N1=30 M1=60 γ={gamma}": digits_tail(gamma) for gamma in (10, 20)},
)
