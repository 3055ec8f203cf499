"""Pseudo-Labeling (Lee, ICML workshop 2013), as the FixMatch paper's row has it (google-research/fixmatch)."""

from torch import Tensor

from methods.base import Batch, Method, Pseudo, Step, Student
from methods.functional import cross_entropy, linear_ramp_up
from methods.options import NonNegative, Share
from methods.thresholding import above


class PseudoLabeling(Method):
    """L = 1/B sum_i H(y_i, f(x_i)) + lambda_u min(t / warm_up, 1) 1/(mu B) sum_m 1(max p_m > tau) H(y_hat_m, f(u_m))

    with p_m = softmax f(u_m) of one weak view and y_hat_m = argmax p_m: the view that is labelled is the one that
    learns. As in that code, batch norm's running statistics see the labelled pass alone.

    Deviation of that row from Lee: a threshold, where Lee trains on all, and a weight that rises linearly over a share
    of the training, where Lee's stays 0 for a time and rises to 3.
    """

    views = ("weak",)

    def __init__(self, *, tau: Share, lambda_u: NonNegative, warm_up: Share) -> None:
        super().__init__()
        self.tau, self.lambda_u, self.warm_up = tau, lambda_u, warm_up

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        return above(p, self.tau)

    def loss(self, student: Student, batch: Batch) -> Step:
        (u,) = batch.u
        supervised = cross_entropy(student.net(batch.x), batch.y).mean()
        logits = student.silent(u)
        pseudo = self.pseudo(logits.detach().float().softmax(-1), batch.j)
        w = student.now(lambda t: self.lambda_u * linear_ramp_up(t, self.warm_up))
        unsupervised = w * (pseudo.selected * cross_entropy(logits, pseudo.label)).mean()
        return Step(supervised + unsupervised, {"loss_s": supervised, "loss_u": unsupervised}, pseudo)
