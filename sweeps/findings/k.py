"""Question 4: how rarely may the thresholds learn (Fig. 7)? k = 1 is Meta-T."""

from sweeps.findings import COLUMNS, DEMO, META_T
from sweeps.meta_t import THEIRS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Sensitivity of Green Meta-T to k.",
    rows={"k = 1": META_T} | {f"k = {k}": f"method=green_meta_t {THEIRS} method.k={k}" for k in range(2, 11)},
    baseline="k = 1",
    columns={name: COLUMNS[name] for name in list(COLUMNS)[:1]},
    demo={"digits/40": DEMO["digits/40"]},
    seeds=2,
    demo_seeds=3,
)
