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

ROWS: dict[str, str | None] = {  # by the procedure of their column; None: published numbers alone
    "Supervised": "method=supervised",
    "Supervised + MixUp": "method=supervised_mixup",
    "Π-Model": "method=pi_model",
    "Temp-ensemble": "method=temporal_ensembling",
    "Mean Teacher": "method=mean_teacher",
    "VAT": "method=vat",
    "SNTG": "method=sntg",
    "Learning to Reweight": "method=l2rw",
    "MT + Fast SWA": "method=mt_fast_swa",
    "SWWAE": None,  # an auto-encoder and a generative network of their own, which no other table has
    "CC-GAN": None,
    "MixMatch": "method=mixmatch",
    "ICT": "method=ict",
    "Meta-Semi": "method=meta_semi",
    "Meta-Semi + ICT": "method=meta_semi_ict",
    "Mean Teacher (WRN-28)": f"method=mean_teacher {WRN}",
    "MixMatch (WRN-28)": f"method=mixmatch {WRN}",
    "Meta-Semi (WRN-28)": f"method=meta_semi {WRN}",
}
