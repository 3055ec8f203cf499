"""Error against training time; the papers have no such figure. Runs of Table 1, of rows that one can tell apart."""

from sweeps.meta_t.table1 import SWEEP as TABLE1
from sweeps.sweep import Sweep, pick

SHOWN = (
    *("Supervised", "UDA", "FixMatch", "Dash", "FlexMatch", "FreeMatch"),
    *("Meta-T", "Green Meta-T", "Meta-Semi", "ICT"),
)

SWEEP = Sweep(
    caption="Error against training time.",
    rows=pick(TABLE1.rows, *SHOWN),
    columns={name: TABLE1.columns[name] for name in ("CIFAR-10/250", "CIFAR-100/400")},  # those of Table 5
    demo={"digits/40": TABLE1.demo["digits/40"]},
    absent=frozenset(cell for cell in TABLE1.absent if cell[0] in SHOWN),
)
