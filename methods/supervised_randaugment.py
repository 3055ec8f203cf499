"""All labels and RandAugment: what Meta-T's "Fully supervised" row, with its weak views, leaves out (erratum T26)."""

from methods.supervised import Supervised


class SupervisedRandAugment(Supervised):
    """L = 1/B sum_i H(y_i, f(A_s(x_i))): the labelled inputs' views are strong (Cubuk et al., NeurIPS 2020)."""

    labelled_view = "strong"
