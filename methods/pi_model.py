"""The Pi-model (Laine & Aila, ICLR 2017)."""

from methods.base import Batch, Student
from methods.consistency import Consistency, Outputs
from methods.functional import brier


class PiModel(Consistency):
    """R = 1/(mu B C) sum_j ||softmax f(u_j) - softmax f(u'_j)||^2

    u_j and u'_j [mu B, ...]: two augmentations of one input. As in the authors' code (smlaine2/tempens) the gradient
    goes through both passes; the ports of FixMatch's and MixMatch's authors stop it in one.

    Deviation: R is over the unlabelled inputs, among which labelled ones may be, where the paper's is over all inputs.
    Networks without dropout and noise leave the augmentation alone to tell the views apart.
    """

    views = ("weak", "weak")

    def outputs(self, student: Student, batch: Batch) -> Outputs:
        x, u = self.together(student, batch)
        return Outputs(x, u, brier(u, student.net(batch.u[1]).float().softmax(-1)))
