"""Meta-T, Table 4: the TGN's architecture (left) and its training (right); "ours" of both is one run (erratum T8)."""

from itertools import product

from sweeps.meta_t import CIFAR10, CIFAR100, DIGITS, OURS, ROWS
from sweeps.sweep import Sweep

META_T = ROWS["Meta-T"]
THEIR_DECAY = "method.optimizer.weight_decay=1e-3"  # FlexMatch's on CIFAR-100
TRAINING = {
    "Adam 1e-3 (ours)": META_T,
    "Adam 5e-4": f"{META_T} method.optimizer.lr=5e-4",
    "SGD cosine [1e-3, 1e-4]": f"method=meta_t_sgd_cosine {OURS}",
    "SGD multi-step [1e-3, 5e-4, 1e-4]": f"method=meta_t_sgd_multistep {OURS}",
    "as FlexMatch": f"method=meta_t_sgd_flexmatch {OURS}",
}

SWEEP = Sweep(
    caption="Error rates (%) with other architectures and other training of the threshold network.",
    rows={
        "TGN 2C-10-1": f"{META_T} method.hidden=[10]",
        "TGN 2C-100-1 (ours)": META_T,
        "TGN 2C-1000-1": f"{META_T} method.hidden=[1000]",
        "TGN 2C-10-10-1": f"{META_T} method.hidden=[10,10]",
        "TGN 2C-100-100-1": f"{META_T} method.hidden=[100,100]",
        **TRAINING,
    },
    baseline="TGN 2C-100-1 (ours)",
    columns={
        "CIFAR-10/40": f"{CIFAR10} task.labels=40",
        "CIFAR-10/250": f"{CIFAR10} task.labels=250",
        "CIFAR-100/400": f"{CIFAR100} task.labels=400",
        "CIFAR-100/2500": f"{CIFAR100} task.labels=2500",
    },
    demo={"digits/40": f"{DIGITS} task.labels=40"},
    single={("as FlexMatch", f"CIFAR-100/{n}"): THEIR_DECAY for n in (400, 2500)},
    absent=frozenset(product(TRAINING, ("CIFAR-10/40", "CIFAR-100/400"))),
)
