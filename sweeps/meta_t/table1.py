"""Meta-T, Table 1.

Baselines run the procedure that their published numbers come from (FixMatch's), Meta-T its own (Table 6); so says the
list of rows that all tables share.
"""

from sweeps.meta_t import CIFAR10, CIFAR100, DIGITS, ROWS
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

CONTROLS = ("FixMatch, τ = 0.5", "Meta-T, thresholds frozen")  # does learning the thresholds matter?
BESIDE = ("Supervised", "Green Meta-T", *CONTROLS, "FreeMatch", "Meta-Semi", "ICT", "Meta-Semi + ICT")
UPPER = ("Full-Supervised", "Full-Supervised + RandAugment")
ROWS_HERE = pick(
    ROWS,
    *("Π-Model", "VAT", "MixMatch", "UDA", "CoMatch", "SimMatch", "Pseudo-Labeling"),
    *("FixMatch", "Dash", "FlexMatch", "Meta-T", *UPPER, *BESIDE),
)
COLUMNS = {f"CIFAR-10/{n}": f"{CIFAR10} task.labels={n}" for n in (40, 250, 4000)} | {
    f"CIFAR-100/{n}": f"{CIFAR100} task.labels={n}" for n in (400, 2500, 10000)
}

SWEEP = Sweep(
    caption="Error rates (%) on CIFAR-10 and CIFAR-100 with varying size of labelled set.",
    demo_caption="Error rates (%) on digits with varying size of labelled set.",
    rows=ROWS_HERE,
    beside=(*BESIDE, "Full-Supervised + RandAugment"),
    reference=UPPER,
    columns=COLUMNS,
    demo_seeds=3,  # as many as eight minutes allow
    single=tuned(ROWS_HERE, COLUMNS),
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)},
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
