"""Question 1: which reading of the paper lets the thresholds rise as in Fig. 5c? Each row departs in one place."""

from sweeps.findings import COLUMNS, DEMO, META_T
from sweeps.meta_t import THEIRS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Readings of Meta-T.",
    rows={
        "Meta-T": META_T,
        "without L_s in the look-ahead (T2)": f"{META_T} method.labelled_ahead=false",
        "p̄ over all inputs (T5)": f"method=meta_t_cached {THEIRS}",
        "another meta batch (T27)": f"method=meta_t_apart {THEIRS}",
        "slope 10 (T27)": f"{META_T} method.slope=10",
        "TGN's rate 1e-2 (T27)": f"{META_T} method.optimizer.lr=1e-2",
        "indicator in the update (T41)": f"method=meta_t_hard {THEIRS}",
    },
    baseline="Meta-T",
    columns={name: COLUMNS[name] for name in list(COLUMNS)[:1]},
    demo={"digits/40": DEMO["digits/40"]},
    seeds=2,
    demo_seeds=5,
)
