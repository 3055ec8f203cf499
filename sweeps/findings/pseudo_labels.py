"""Question 3: more right and fewer wrong pseudo-labels than FixMatch, at equal time and at equal steps (Fig. 4)?

One set of runs, read twice: equal time is where a longer training is cut off, with its schedule not at its end.
"""

from sweeps.findings import COLUMNS, DEMO, THRESHOLDS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Right and wrong pseudo-labels over training.",
    rows=pick(THRESHOLDS, "FixMatch", "FixMatch, τ = 0.5", "FlexMatch", "Meta-T"),
    columns={f"{kind}: {name}": COLUMNS[name] for kind in ("equal time", "equal steps") for name in list(COLUMNS)[:1]},
    demo={f"{kind}: digits/40": DEMO["digits/40"] for kind in ("equal time", "equal steps")},
    seeds=5,
    demo_seeds=10,
)
