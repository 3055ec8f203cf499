"""Meta-Semi, Table 5: its components removed or altered (methods/meta_semi_ablations.py)."""

from sweeps.meta_semi import CIFAR100, DIGITS, ROWS
from sweeps.sweep import Sweep, pick

SWEEP = Sweep(
    caption="Ablation study: test errors (%) on CIFAR-100 with CNN-13.",
    demo_caption="Ablation study: test errors (%) on digits with 40 labels.",
    rows={
        "Without parameter EMA": f"{ROWS['Meta-Semi']} protocol.average=0.0",
        "One-hot pseudo labels": "method=meta_semi_one_hot",
        "MixUp on unlabeled data only": "method=meta_semi_mixup_unlabelled",
        "MixUp on labeled data only": "method=meta_semi_mixup_labelled",
        "Without MixUp": "method=meta_semi_no_mixup",
        "Reweighting with the constant 1": "method=meta_semi_constant",
        "Reweighting with -1 and 1": "method=meta_semi_signed",
        **pick(ROWS, "Meta-Semi", "Meta-Semi + ICT"),
    },
    baseline="Meta-Semi",
    columns={f"CIFAR-100/{n}": f"{CIFAR100} task.labels={n}" for n in (4000, 10000)},
    demo={"digits/40": f"{DIGITS} task.labels=40"},
)
