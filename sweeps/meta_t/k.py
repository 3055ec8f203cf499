"""Meta-T, Figure 7: how often Green Meta-T's thresholds learn. k = 1 is Meta-T itself.

The paper shows two settings and names one, CIFAR-10 with 4,000 labels (Sec. 5.6); the other here is 40.
"""

from sweeps.meta_t import CIFAR10, DIGITS, ROWS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Sensitivity of Green Meta-T to k.",
    rows={"k = 1": ROWS["Meta-T"]} | {f"k = {k}": f"{ROWS['Green Meta-T']} method.k={k}" for k in range(2, 11)},
    baseline="k = 1",
    columns={f"CIFAR-10/{n}": f"{CIFAR10} task.labels={n}" for n in (40, 4000)},
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)},
)
