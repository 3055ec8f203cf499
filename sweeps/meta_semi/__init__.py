"""The Meta-Semi paper's tables and figures, and the rows and columns that they share (App. C).

5,000 images are held out for validation (1,000 of SVHN), labels are equally many per class, and labelled and unlabelled
images are disjoint: "we preserve 100, 200 and 400 labels per class [...] All other samples are unlabeled".
"""

PROTOCOL = "protocol=meta_semi backbone=cnn13"
WRN = "protocol=mixmatch backbone=wrn28_2"
DISJOINT = "task.balance=equal task.include_labelled=false"

CIFAR10 = f"task=cifar10 {PROTOCOL} {DISJOINT} task.validation=5000"
CIFAR100 = f"task=cifar100 {PROTOCOL} {DISJOINT} task.validation=5000"
SVHN = f"task=svhn {PROTOCOL} {DISJOINT} task.validation=1000 task.augment.shift=2"
DIGITS = "task=digits backbone=tiny"

ROWS: dict[str, str | None] = {  # by the procedure of their column; None while the method does not exist
    "Supervised": "method=supervised",
    "Supervised + MixUp": "method=supervised_mixup",
    "Π-Model": None,
    "Temp-ensemble": None,
    "Mean Teacher": None,
    "VAT": None,
    "SNTG": None,
    "Learning to Reweight": None,
    "MT + Fast SWA": None,
    "SWWAE": None,
    "CC-GAN": None,
    "MixMatch": None,
    "ICT": "method=ict",
    "Meta-Semi": "method=meta_semi",
    "Meta-Semi + ICT": "method=meta_semi_ict",
    "Mean Teacher (WRN-28)": None,
    "MixMatch (WRN-28)": None,
    "Meta-Semi (WRN-28)": f"method=meta_semi {WRN}",
}
