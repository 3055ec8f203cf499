"""Meta-T, Table 2. ImageNet waits for its data loader; columns after errata T22 and T24.

On texts the baselines run USB's procedure, where their published numbers come from, and Meta-T its own (Table 6).
"""

from itertools import product

from sweeps.meta_t import DIGITS, ROWS, STL10, SVHN
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

IMAGES = {
    "SVHN/40": f"{SVHN} task.labels=40",
    "SVHN/250": f"{SVHN} task.labels=250",
    "STL-10/1000": STL10,
}
DEMO = {f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)}
IMAGENET = {f"ImageNet/{n}% top-{k}": f"top{k}_accuracy" for n in (1, 10, 100) for k in (1, 5)}
TEXTS = {
    "IMDb/100": "task=imdb task.labels=100 backbone=bert_base",
    "Amazon-5/1000": "task=amazon_review task.labels=1000 backbone=bert_base",
    "Yelp-5/1000": "task=yelp_review task.labels=1000 backbone=bert_base",
}

WHERE = {  # which blocks of columns a row stands in: Images, Imagenet, Texts
    "Π-Model": "I",
    "VAT": "I",
    "MixMatch": "I",
    "UDA": "IT",
    "ReMixMatch": "I",
    "Pseudo-Labeling": "I",
    "FixMatch": "INT",
    "Dash": "I",
    "FlexMatch": "IT",
    "Meta-T": "INT",
    "Sup. baseline": "N",
    "CoMatch": "N",
    "SimMatch": "N",
    "SoftMatch": "T",
}
ROWS_HERE = pick(ROWS, *WHERE)
BLOCKS = {"I": (*IMAGES, *DEMO), "N": tuple(IMAGENET), "T": tuple(TEXTS)}
ON_TEXTS = {(row, column): "protocol=usb_text" for row, where in WHERE.items() if "T" in where for column in TEXTS}
ON_TEXTS |= {("Meta-T", column): "protocol=meta_t_text method.hidden=[1000]" for column in TEXTS}  # Table 6, Sec. 5.1

SWEEP = Sweep(
    caption="Error rates (%) on SVHN, STL-10 and texts; top-1 and top-5 accuracy (%) on ImageNet.",
    demo_caption="Error rates (%) on digits with varying size of labelled set.",
    rows=ROWS_HERE,
    columns={**IMAGES, **dict.fromkeys(IMAGENET), **TEXTS},
    demo=DEMO,
    single=tuned(ROWS_HERE, IMAGES) | {("Meta-T", "STL-10/1000"): "protocol.ratio=4"} | ON_TEXTS,  # Table 6
    metrics=IMAGENET,
    absent=frozenset(
        {(row, c) for row, where in WHERE.items() for block in BLOCKS if block not in where for c in BLOCKS[block]}
        | {("Π-Model", "SVHN/40"), ("Pseudo-Labeling", "SVHN/40"), ("FlexMatch", "SVHN/250")}
        | set(product(("FixMatch", "CoMatch", "SimMatch", "Meta-T"), list(IMAGENET)[4:]))
    ),
)
