"""The Meta-T paper's tables and figures, and the rows and columns that they share."""

THEIRS = "protocol=fixmatch"  # the procedure that the baselines' published numbers come from
OURS = "protocol=meta_t"  # Table 6
ONE_TO_THREE = "protocol.ratio=3"  # "always set to 1:3 in Meta-Semi" (its App. C)

ROWS: dict[str, str | None] = {
    "Π-Model": f"method=pi_model {THEIRS}",
    "VAT": f"method=vat {THEIRS}",
    "MixMatch": f"method=mixmatch {THEIRS}",
    "ReMixMatch": f"method=remixmatch {THEIRS}",
    "UDA": f"method=uda {THEIRS}",
    "CoMatch": f"method=comatch {THEIRS}",
    "SimMatch": f"method=simmatch {THEIRS}",
    "SoftMatch": f"method=soft_match {THEIRS}",
    "Pseudo-Labeling": f"method=pseudo_labeling {THEIRS}",
    "cRT": f"method=crt {THEIRS}",
    "LDAM": f"method=ldam {THEIRS}",
    "DARP": f"method=darp {THEIRS}",
    "CReST": f"method=crest {THEIRS}",
    "Adsh": f"method=adsh {THEIRS}",
    "FixMatch": f"method=fixmatch {THEIRS}",
    "Dash": f"method=dash {THEIRS}",
    "FlexMatch": f"method=flexmatch {THEIRS}",
    "Meta-T": f"method=meta_t {OURS}",
    "Green Meta-T": f"method=green_meta_t {OURS}",
    "Supervised": f"method=supervised {THEIRS}",
    "Sup. baseline": f"method=supervised {THEIRS}",
    "Full-Supervised": f"method=supervised task.labels=all {THEIRS}",
    "Full-Supervised + RandAugment": f"method=supervised_randaugment task.labels=all {THEIRS}",  # erratum T26
    "FreeMatch": f"method=free_match {THEIRS}",
    "CReST+": f"method=crest_plus {THEIRS}",
    "FixMatch, τ = 0.5": f"method=fixmatch method.tau=0.5 {THEIRS}",  # where Meta-T's thresholds begin
    "Meta-T, thresholds frozen": f"method=meta_t method.optimizer.lr=0.0 {OURS}",  # its TGN never learns
    "Meta-Semi": f"method=meta_semi {THEIRS} {ONE_TO_THREE}",  # of the other paper: here by the baselines' procedure
    "ICT": f"method=ict {THEIRS}",
    "Meta-Semi + ICT": f"method=meta_semi_ict {THEIRS} {ONE_TO_THREE}",
}

CIFAR10 = "task=cifar10 backbone=wrn28_2"
CIFAR100 = "task=cifar100 backbone=wrn28_8 protocol.optimizer.weight_decay=1e-3"  # Table 6; network: erratum T19
SVHN = "task=svhn backbone=wrn28_2"  # erratum T19
STL10 = "task=stl10 backbone=wrn37_2"
DIGITS = "task=digits backbone=tiny"


def long_tail(n1: int, m1: int, gamma: int) -> str:
    """N_c = n1 gamma^-((c-1)/(C-1)) labelled and M_c likewise unlabelled inputs of class c (Sec. 5.3, erratum T23)."""
    return f"task.imbalance={{n1:{n1},m1:{m1},gamma_l:{gamma},gamma_u:{gamma}}}"


def digits_tail(gamma: int) -> str:
    """A tail that 130 digits a class allow; at smoke scale all digits are kept, or the first class would not have 90.

    `task.labels` plays no part under a tail.
    """
    return f"{DIGITS} {long_tail(30, 60, gamma)} task.subset=null"
