"""Meta-T, Figure 4: right and wrong pseudo-labels over training.

Setting 1, equal time: Meta-T trains 300 epochs by its own schedule, the others 1,000, all with FixMatch's batch: with
Table 6's smaller one Meta-T would take a third of their time (erratum T32). Setting 2, equal procedure: all train 1,000
epochs by FixMatch's. The caption names no data: CIFAR-10 with 250 labels, as in Figure 5 and Table 5.
"""

from sweeps.meta_t import CIFAR10, DIGITS, OURS, ROWS, THEIRS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Correct and wrong pseudo-labels in the selected set over training.",
    rows=pick(ROWS, "FixMatch", "FlexMatch") | {"Meta-T": f"method=meta_t {THEIRS}"},
    columns={
        "equal time: CIFAR-10/250": f"{CIFAR10} task.labels=250",
        "equal procedure: CIFAR-10/250": f"{CIFAR10} task.labels=250",
    },
    demo={
        "equal time: digits/40": f"{DIGITS} task.labels=40",
        "equal procedure: digits/40": f"{DIGITS} task.labels=40",
    },
    single={
        ("Meta-T", "equal time: CIFAR-10/250"): f"{OURS} protocol.batch=64 protocol.ratio=7",
        ("Meta-T", "equal time: digits/40"): "steps=120",  # as 300 of 1,000 epochs, of 400
    },
)
