"""Meta-Semi, Figure 3: beta of MixUp on CIFAR-100 with 10,000 labels; ICT with every recommended weight w beside.

beta: the range of Sec. 4.3; w: what the ICT paper recommends. Digits show three of its five weights.
"""

from sweeps.meta_semi import CIFAR100, DIGITS, ROWS
from sweeps.sweep import Sweep, pick

BETAS, DEMO_BETAS = (0.1, 0.2, 0.5, 0.75, 1.0), (0.1, 0.2, 0.5, 1.0)

SWEEP = Sweep(
    caption="Test errors with varying β on CIFAR-100 using 10,000 labels.",
    demo_caption="Test errors with varying β on digits using 40 labels.",
    rows=pick(ROWS, "Meta-Semi")
    | {f"ICT, w={w:g}": f"{ROWS['ICT']} method.w_max={w}" for w in (1.0, 10.0, 20.0, 50.0, 100.0)},
    baseline="Meta-Semi",
    columns={f"β={b:g}": f"{CIFAR100} task.labels=10000 method.beta={b}" for b in BETAS},
    demo={f"digits/40, β={b:g}": f"{DIGITS} task.labels=40 method.beta={b}" for b in DEMO_BETAS},
    absent=frozenset((f"ICT, w={w}", f"digits/40, β={b:g}") for w in (20, 50) for b in DEMO_BETAS),
)
