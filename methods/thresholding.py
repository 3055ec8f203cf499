"""Eq. (2) of the Meta-T paper, once; subclasses say what tau is."""

from abc import abstractmethod
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from methods.base import Batch, Inner, Method, Net, Pseudo, Step, Student
from methods.functional import cross_entropy


class Thresholding(Method):
    """L = 1/B sum_i H(y_i, f(x_i)) + lambda_u 1/(mu B) sum_m 1(max p_m > tau_m) H(y_hat_m, f(A_s(u_m)))

    with p_m = softmax f(A_w(u_m)) and y_hat_m = argmax p_m            (Meta-T Eq. 1 and 2; probabilities: erratum T3).

    The weak pass carries no gradient, so it is a pass of its own: its rows are left out of the backward pass and its
    batch norm sees weak views only (FixMatch's code has one pass over all rows; both update the running statistics).
    """

    def __init__(self, *, lambda_u: float) -> None:
        super().__init__()
        self.lambda_u = lambda_u

    @abstractmethod
    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        """tau [B] for predictions p [B, C] of the unlabelled inputs j [B]; changes no state."""

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        """The indicator of Eq. (2), or what stands for it, in [0, 1] [B]."""
        return (confidence > tau).float()

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        """Take in this step's predictions p [B, C] of inputs j [B], once a step, before tau is asked. Returns a log."""
        return {}

    def inner_pass(
        self, student: Student, batch: Batch, p: Tensor, inner: Callable[[Net], Inner]
    ) -> tuple[Inner, dict[str, Tensor]]:
        """The step's objective at the present weights, with its graph; and a log. Here the thresholds may learn."""
        return inner(student.net), {}

    def phase(self, student: Student) -> Hashable:
        return ()

    def objective(self, here: Inner, gate: Tensor) -> Tensor:
        """L_s + lambda_u L_u, Eq. (2)."""
        return here.total(gate)

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        confidence, label = p.max(-1)
        tau = self.threshold(p, j)
        return Pseudo(label, confidence, tau, confidence > tau)

    def loss(self, student: Student, batch: Batch) -> Step:
        weak, strong = batch.u
        p = student.predict(weak).float().softmax(-1)  # Eq. (1)
        y_hat = p.argmax(-1)

        def inner(net: Net) -> Inner:
            logits = net(torch.cat([batch.x, strong]))
            supervised = cross_entropy(logits[: len(batch.x)], batch.y).mean()
            unsupervised = cross_entropy(logits[len(batch.x) :], y_hat)
            return Inner(self.lambda_u / len(strong) * unsupervised, supervised)

        log = self.observe(student, p, batch.j)
        here, more = self.inner_pass(student, batch, p, inner)
        with torch.no_grad():
            pseudo = self.pseudo(p, batch.j)
            gate = self.gate(pseudo.confidence, pseudo.threshold)
        loss = self.objective(here, gate)
        log |= more | {"loss": loss, "loss_u": (gate * here.losses.detach()).sum()}
        return Step(loss, log, pseudo)
