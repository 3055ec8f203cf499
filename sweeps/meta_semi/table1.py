"""Meta-Semi, Table 1. On WRN-28 MixMatch's procedure is run; at demo and smoke scale there is one network only."""

from sweeps.meta_semi import CHOICES, CIFAR10, CIFAR100, DIGITS, ROWS
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

ON_WRN = ("Mean Teacher (WRN-28)", "MixMatch (WRN-28)", "Meta-Semi (WRN-28)")

ROWS_HERE = pick(
    ROWS,
    *("Supervised", "Supervised + MixUp", "Π-Model", "Temp-ensemble", "Mean Teacher", "VAT", "SNTG"),
    *("Learning to Reweight", "MT + Fast SWA", "ICT", "Meta-Semi", "Meta-Semi + ICT", *ON_WRN),
)
COLUMNS = {f"CIFAR-10/{n}": f"{CIFAR10} task.labels={n}" for n in (1000, 2000, 4000)} | {
    f"CIFAR-100/{n}": f"{CIFAR100} task.labels={n}" for n in (4000, 10000)
}

SWEEP = Sweep(
    caption="Test errors (%) on CIFAR with varying amount of labelled data; CNN-13 but for the rows marked WRN-28.",
    demo_caption="Test errors (%) on digits with varying amount of labelled data; one network for all rows.",
    rows=ROWS_HERE,
    baseline="Supervised",
    columns=COLUMNS,
    choices=CHOICES,
    single=tuned(ROWS_HERE, COLUMNS),
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)},
    absent=frozenset(
        {("VAT", "CIFAR-100/10000"), ("Learning to Reweight", "CIFAR-10/2000")}
        | {("Mean Teacher (WRN-28)", "CIFAR-100/10000")}
        | {(row, "CIFAR-100/4000") for row in ("Temp-ensemble", "VAT", "SNTG", "MT + Fast SWA", *ON_WRN)}
    ),
)
