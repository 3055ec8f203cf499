"""Mean Teacher (Tarvainen & Valpola, NeurIPS 2017)."""

from methods.base import Batch, Student
from methods.consistency import Consistency, Outputs
from methods.functional import brier


class MeanTeacher(Consistency):
    """R = 1/(mu B C) sum_j ||softmax f(u_j; theta) - softmax f(u'_j; theta')||^2,   theta' <- a theta' + (1 - a) theta

    u_j and u'_j [mu B, ...]: two augmentations of one input; theta' is the running average, which gets no gradient. As
    in the authors' code (CuriousAI/mean-teacher) its batch norm takes the batch's statistics, and is graded with
    running ones of its own: at w_max = 100 a teacher in evaluation mode pulls the student astray.

    Deviations: R is over the unlabelled inputs, among which labelled ones may be, where the paper's is over all
    inputs; the average has one decay, the protocol's; one output layer serves both terms.
    """

    views = ("weak", "weak")
    own_statistics = True

    def outputs(self, student: Student, batch: Batch) -> Outputs:
        x, u = self.together(student, batch)
        return Outputs(x, u, brier(u, student.teacher(batch.u[1]).float().softmax(-1)))
