"""Meta-T, Table 1.

Baselines run the procedure that their published numbers come from (FixMatch's), Meta-T its own (Table 6); so says the
list of rows that all tables share.
"""

from sweeps.meta_t import CIFAR10, CIFAR100, DIGITS, ROWS
from sweeps.sweep import Sweep, pick

BESIDE = ("Supervised", "Green Meta-T", "Meta-Semi", "ICT", "Meta-Semi + ICT")

SWEEP = Sweep(
    caption="Error rates (%) on CIFAR-10 and CIFAR-100 with varying size of labelled set.",
    rows=pick(
        ROWS,
        *("Π-Model", "VAT", "MixMatch", "UDA", "CoMatch", "SimMatch", "Pseudo-Labeling"),
        *("FixMatch", "Dash", "FlexMatch", "Meta-T", "Full-Supervised", *BESIDE),
    ),
    beside=BESIDE,
    reference=("Full-Supervised",),
    columns={
        "CIFAR-10/40": f"{CIFAR10} task.labels=40",
        "CIFAR-10/250": f"{CIFAR10} task.labels=250",
        "CIFAR-10/4000": f"{CIFAR10} task.labels=4000",
        "CIFAR-100/400": f"{CIFAR100} task.labels=400",
        "CIFAR-100/2500": f"{CIFAR100} task.labels=2500",
        "CIFAR-100/10000": f"{CIFAR100} task.labels=10000",
    },
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40, 250)},
    absent=frozenset(
        {
            ("Π-Model", "CIFAR-10/40"),
            ("Π-Model", "CIFAR-100/400"),
            ("CoMatch", "CIFAR-10/4000"),
            ("CoMatch", "CIFAR-100/400"),
            ("CoMatch", "CIFAR-100/2500"),
            ("CoMatch", "CIFAR-100/10000"),
            ("Pseudo-Labeling", "CIFAR-10/40"),
            ("Pseudo-Labeling", "CIFAR-100/400"),
        }
    ),
)
