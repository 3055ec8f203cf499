"""Meta-T, Table 4: the TGN's architecture (left) and its training (right); "ours" of both is one run (erratum T8)."""

from itertools import product

from sweeps.meta_t import CIFAR10, CIFAR100, DIGITS
from sweeps.sweep import Sweep

META_T = "method=meta_t protocol=meta_t"
TRAINING = {
    "Adam 1e-3 (ours)": META_T,
    "Adam 5e-4": f"{META_T} method.optimizer.lr=5e-4",
    "SGD cosine [1e-3, 1e-4]": "method=meta_t_sgd_cosine protocol=meta_t",
    "SGD multi-step [1e-3, 5e-4, 1e-4]": "method=meta_t_sgd_multistep protocol=meta_t",
    "as FlexMatch": "method=meta_t_sgd_flexmatch protocol=meta_t",
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
    columns={
        "CIFAR-10/40": f"{CIFAR10} task.labels=40",
        "CIFAR-10/250": f"{CIFAR10} task.labels=250",
        "CIFAR-100/400": f"{CIFAR100} task.labels=400",
        "CIFAR-100/2500": f"{CIFAR100} task.labels=2500",
    },
    demo={"digits/40": f"{DIGITS} task.labels=40"},
    absent=frozenset(product(TRAINING, ("CIFAR-10/40", "CIFAR-100/400"))),
)
