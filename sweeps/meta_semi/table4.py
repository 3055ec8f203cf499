"""Meta-Semi, Table 4: test errors at fixed training time. The runs are those of Table 1.

A cell is the last evaluation of its runs within the time, on our device's clock, which counts training alone. The
longest time of each half is ICT's, or MixMatch's, own total in the paper (erratum S4): where our device is faster, and
on digits, a time is the same share of what its own runs take here.
"""

from itertools import product

from sweeps.meta_semi import CHOICES, ROWS
from sweeps.meta_semi.table1 import SWEEP as TABLE1
from sweeps.sweep import Budget, Sweep, pick

CNN13_HOURS, WRN_HOURS = ("5.0h", "7.5h", "10.0h", "12.6h"), ("13.7h", "18.3h", "22.8h", "29.2h")
SHARES = {f"digits/40 @{s:g}x": s for s in (0.4, 0.6, 0.8, 1.0)}
CNN13_ROWS, WRN_ROWS = ("ICT", "Meta-Semi (CNN-13)"), ("MixMatch (WRN-28)", "Meta-Semi (WRN-28)")

SWEEP = Sweep(
    caption="Test errors (%) on CIFAR-100 with 10,000 labels at fixed training time.",
    demo_caption="Test errors (%) on digits with 40 labels at fixed training time.",
    rows={"ICT": ROWS["ICT"], "Meta-Semi (CNN-13)": ROWS["Meta-Semi"]} | pick(ROWS, *WRN_ROWS),
    baseline="ICT",
    choices=CHOICES,
    columns=dict.fromkeys(CNN13_HOURS + WRN_HOURS, TABLE1.columns["CIFAR-100/10000"]),
    demo=dict.fromkeys(SHARES, TABLE1.demo["digits/40"]),
    budgets={
        time: Budget(hours=float(time[:-1]), share=float(time[:-1]) / float(times[-1][:-1]), of=of)
        for times, of in ((CNN13_HOURS, "ICT"), (WRN_HOURS, "MixMatch (WRN-28)"))
        for time in times
    }
    | {column: Budget(share=share, of="ICT") for column, share in SHARES.items()},
    absent=frozenset(product(CNN13_ROWS, WRN_HOURS)) | frozenset(product(WRN_ROWS, CNN13_HOURS)),
)
