"""Error against training time for every method; the papers have no such figure. The runs are those of Table 1."""

from sweeps.meta_t.table1 import SWEEP as TABLE1
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Error against training time.",
    rows=TABLE1.rows,
    columns={name: TABLE1.columns[name] for name in ("CIFAR-10/250", "CIFAR-100/400")},  # those of Table 5
    demo={"digits/40": TABLE1.demo["digits/40"]},
    reference=TABLE1.reference,
    absent=TABLE1.absent,
)
