"""Meta-Semi, Figure 2: does Assumption 1 hold?

E |grad L_meta|^2 / |grad E G|^2 over training, row by row of metrics.jsonl (`ratio`, and its halves `meta_square` and
`labelled_square`). One epoch of CIFAR is one evaluation.
"""

from sweeps.meta_semi import CIFAR10, CIFAR100, DIGITS
from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="The ratio of Assumption 1 over training.",
    rows={"Meta-Semi": "method=meta_semi_assumption"},
    baseline="",
    columns={f"CIFAR-10/{n}": f"{CIFAR10} task.labels={n}" for n in (1000, 2000, 4000)}
    | {f"CIFAR-100/{n}": f"{CIFAR100} task.labels={n}" for n in (4000, 10000)},
    demo={f"digits/{n}": f"{DIGITS} task.labels={n} protocol.eval_every=30" for n in (10, 40, 250)},
)
