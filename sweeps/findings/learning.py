"""Question 2: does learning the thresholds matter, or is it that they are near 0.5?"""

from sweeps.findings import COLUMNS, DEMO, THRESHOLDS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Learned thresholds against constant ones, and others that adapt.",
    rows=THRESHOLDS,
    reference=("Supervised",),
    columns=COLUMNS,
    demo=DEMO,
    seeds=5,
    demo_seeds=10,
)
