"""The Meta-Semi paper's tables and figures, and the columns that they share (App. C).

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
