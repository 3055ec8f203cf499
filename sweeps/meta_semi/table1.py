"""Meta-Semi, Table 1. On WRN-28 MixMatch's procedure is run; at demo and smoke scale there is one network only."""

from sweeps.meta_semi import CIFAR10, CIFAR100, DIGITS, WRN
from sweeps.sweep import Sweep

ON_WRN = ("Mean Teacher (WRN-28)", "MixMatch (WRN-28)", "Meta-Semi (WRN-28)")

SWEEP = Sweep(
    caption="Test errors (%) on CIFAR with varying amount of labelled data; CNN-13 but for the rows marked WRN-28.",
    rows={
        "Supervised": "method=supervised",
        "Supervised + MixUp": "method=supervised_mixup",
        "Π-Model": None,
        "Temp-ensemble": None,
        "Mean Teacher": None,
        "VAT": None,
        "SNTG": None,
        "Learning to Reweight": None,
        "MT + Fast SWA": None,
        "ICT": "method=ict",
        "Meta-Semi": "method=meta_semi",
        "Meta-Semi + ICT": "method=meta_semi_ict",
        "Mean Teacher (WRN-28)": None,
        "MixMatch (WRN-28)": None,
        "Meta-Semi (WRN-28)": f"method=meta_semi {WRN}",
    },
    columns={f"CIFAR-10/{n}": f"{CIFAR10} task.labels={n}" for n in (1000, 2000, 4000)}
    | {f"CIFAR-100/{n}": f"{CIFAR100} task.labels={n}" for n in (4000, 10000)},
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40, 250)},
    absent=frozenset(
        {("VAT", "CIFAR-100/10000"), ("Learning to Reweight", "CIFAR-10/2000")}
        | {("Mean Teacher (WRN-28)", "CIFAR-100/10000")}
        | {(row, "CIFAR-100/4000") for row in ("Temp-ensemble", "VAT", "SNTG", "MT + Fast SWA", *ON_WRN)}
    ),
)
