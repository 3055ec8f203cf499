"""Question 4: the error at equal processor time (Table 5)."""

from sweeps.findings import COLUMNS, DEMO, THRESHOLDS
from sweeps.meta_t import THEIRS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Error against processor time.",
    rows=pick(THRESHOLDS, "FixMatch", "FixMatch, τ = 0.5", "FlexMatch", "Meta-T")
    | {"Green Meta-T": f"method=green_meta_t {THEIRS}"},
    columns={name: COLUMNS[name] for name in list(COLUMNS)[:1]},
    demo={f"digits/{n}": DEMO[f"digits/{n}"] for n in (10, 40)},
    seeds=5,
    demo_seeds=5,
)
