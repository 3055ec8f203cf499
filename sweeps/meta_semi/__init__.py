"""The Meta-Semi paper's tables and figures, and the rows and columns that they share (App. C).

5,000 images are held out for validation (1,000 of SVHN), labels are equally many per class, and labelled and unlabelled
images are disjoint: "we preserve 100, 200 and 400 labels per class [...] All other samples are unlabeled". The images
held out choose beta, and ICT's weight; MixMatch runs its authors' numbers for each data set (`sweeps.tuned`).
"""

PROTOCOL = "protocol=meta_semi backbone=cnn13"
WRN = "protocol=mixmatch backbone=wrn28_2"
DISJOINT = "task.balance=equal task.include_labelled=false"

CIFAR10 = f"task=cifar10 {PROTOCOL} {DISJOINT} task.validation=5000"
CIFAR100 = f"task=cifar100 {PROTOCOL} {DISJOINT} task.validation=5000"
SVHN = f"task=svhn {PROTOCOL} {DISJOINT} task.validation=1000 task.augment.shift=2"
DIGITS = "task=digits backbone=tiny"

CHOICES = {  # what the validation images choose from, in columns that have any (Sec. 4.1, App. C; errata S3)
    **{
        row: tuple(f"method.beta={beta}" for beta in (1.0, 0.2, 0.5, 0.75))  # "in [0.2, 1]"
        for row in ("Meta-Semi", "Meta-Semi (CNN-13)", "Meta-Semi (WRN-28)", "Meta-Semi + ICT")
    },
    "ICT": tuple(f"method.w_max={w}" for w in (100.0, 1.0, 10.0, 20.0, 50.0)),  # "the recommended range" of Fig. 3
}

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
