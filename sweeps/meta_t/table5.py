"""Meta-T, Table 5: error and accuracy at fixed training time. The runs are those of Tables 1 and 3, and Green Meta-T's.

A cell is the last evaluation of its runs within the time, on our device's clock, which counts training alone (erratum
T29); "last" is the number that the protocol reports. Where FixMatch takes less than 20 hours, the last time printed
(the paper gives no whole), a time is that share of what FixMatch's own runs of the column take; so it is on digits.
"""

from sweeps.meta_t import ROWS
from sweeps.meta_t.table1 import SWEEP as TABLE1
from sweeps.meta_t.table3 import SWEEP as TABLE3
from sweeps.sweep import Budget, Sweep, pick

WHOLE = 20.0  # hours
HOURS: dict[str, Budget | None] = {f"{h}h": Budget(hours=h, share=h / WHOLE, of="FixMatch") for h in (1, 5, 10, 20)} | {
    "last": None
}
SHARES: dict[str, Budget | None] = {f"{s:g}x": Budget(share=s, of="FixMatch") for s in (0.25, 0.5, 1, 2)} | {
    "last": None
}
SETTINGS = {name: TABLE1.columns[name] for name in ("CIFAR-10/250", "CIFAR-100/400")} | {
    "N1=1500 M1=3000 γ=100": TABLE3.columns["N1=1500 M1=3000 γ=100"]
}
DEMO = {"digits/40": TABLE1.demo["digits/40"], "N1=30 M1=60 γ=20": TABLE3.demo["N1=30 M1=60 γ=20"]}


COLUMNS = {f"{setting} @{time}": where for setting, where in SETTINGS.items() for time in HOURS}
DEMO_COLUMNS = {f"{setting} @{time}": where for setting, where in DEMO.items() for time in SHARES}

SWEEP = Sweep(
    caption="Error rates (%), and accuracy (%) under long tails, at fixed training time.",
    rows=pick(ROWS, "FixMatch", "Meta-T", "Green Meta-T"),
    columns=COLUMNS,
    demo=DEMO_COLUMNS,
    metrics={column: "accuracy" for column in (*COLUMNS, *DEMO_COLUMNS) if column.startswith("N1=")},
    budgets={
        column: budget
        for column in (*COLUMNS, *DEMO_COLUMNS)
        if (budget := (HOURS | SHARES)[column.rpartition("@")[2]])
    },
)
