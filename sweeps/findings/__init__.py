"""What both papers leave open, measured (docs/findings.md): a sweep and a figure for each question.

At demo and smoke scale on digits. At the others on CIFAR-10 halved to 16x16 (`python -m benchmarks.data.halved cifar10`
makes it), with a small network and 1,000 steps of FixMatch's procedure with 16 + 96 images, whatever the scale: what
two CPU cores can do in an afternoon.
"""

from sweeps.meta_t import DIGITS, ROWS, THEIRS, digits_tail
from sweeps.sweep import pick

HALVED = (
    "task=npz task.name=cifar10_16 task.augment.flip=true "
    "task.augment.mean=[0.4914,0.4822,0.4465] task.augment.std=[0.2470,0.2435,0.2616] "
    "backbone=tiny backbone.widths=[32,64,128] backbone.strides=[2,1,2] steps=1000 "
    "protocol.batch=16 protocol.ratio=6 protocol.optimizer.lr=0.1 protocol.average=0.99 protocol.eval_every=100 "
    "protocol.report=last"
)
CIFAR10 = f"{HALVED} task.labels=250"
TAIL = f"{HALVED} task.imbalance={{n1:100,m1:2000,gamma_l:50,gamma_u:50}}"

COLUMNS = {"CIFAR-10, 16×16/250": CIFAR10, "CIFAR-10, 16×16, N1=100 M1=2000 γ=50": TAIL}
DEMO = {f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)} | {"digits, N1=30 M1=60 γ=20": digits_tail(20)}

META_T = f"method=meta_t {THEIRS}"
THRESHOLDS = {
    **pick(ROWS, "Supervised", "FixMatch"),
    "FixMatch, τ = 0.7": f"method=fixmatch method.tau=0.7 {THEIRS}",
    **pick(ROWS, "FixMatch, τ = 0.5", "FlexMatch", "FreeMatch"),
    "Meta-T, thresholds frozen": f"{META_T} method.optimizer.lr=0.0",
    "Meta-T": META_T,
}
