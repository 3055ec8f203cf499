"""Eq. (2) of the Meta-T paper, once; subclasses say what tau is."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from methods.base import Batch, Function, Inner, Method, Pseudo, Step, Student
from methods.functional import cross_entropy
from methods.options import NonNegative


def above(p: Tensor, tau: float) -> Pseudo:
    """The classes of predictions p [B, C], selected where max p > tau."""
    confidence, label = p.max(-1)
    return Pseudo(label, confidence, torch.full_like(confidence, tau), confidence > tau)


class Guess(NamedTuple):
    """What the weak views say, before any threshold."""

    p: Tensor  #: softmax predictions, refined [mu B, C]
    target: Tensor  #: what the strong views learn: classes [mu B] or distributions [mu B, C]
    log: dict[str, Tensor]


class Thresholding(Method):
    """L = 1/B sum_i H(y_i, f(x_i)) + lambda_u 1/(mu B) sum_m 1(max p_m > tau_m) H(y_hat_m, f(A_s(u_m)))

    with p_m = softmax f(A_w(u_m)) and y_hat_m = argmax p_m            (Meta-T Eq. 1 and 2; probabilities: erratum T3).

    A subclass says what `threshold` is, and may say what the other hooks are, from `gate` to `regularise`.

    batch_norm: "split", where the weak views have a pass of their own without a gradient, so that their rows are left
    out of the backward pass; or "joint", FixMatch's code: one pass over all rows [x, weak, strong], which share the
    batch's statistics and its gradient, while the weak rows' logits are targets without one.
    """

    def __init__(self, *, lambda_u: NonNegative, batch_norm: Literal["split", "joint"]) -> None:
        super().__init__()
        self.lambda_u, self.joint = lambda_u, batch_norm == "joint"

    @abstractmethod
    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        """tau [B] for refined predictions p [B, C] of the unlabelled inputs j [B]; changes no state."""

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        """The indicator of Eq. (2), or a weight in its place [B]."""
        return (confidence > tau).float()

    def refine(self, p: Tensor, j: Tensor) -> Tensor:
        """Predictions p [B, C] of inputs j [B] as thresholds and targets see them [B, C]; changes no state."""
        return p

    def target(self, p: Tensor, refined: Tensor) -> Tensor:
        """What strong views learn, from predictions p as they were and refined: classes [B] or distributions [B, C]."""
        return refined.argmax(-1)

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        """Take in this step's predictions p [B, C] of inputs j [B], once a step and before all else. Returns a log."""
        return {}

    def supervise(self, logits: Tensor, y: Tensor) -> Tensor:
        """The labelled loss of logits [B, C] and classes y [B], a scalar."""
        return cross_entropy(logits, y).mean()

    def regularise(self, logits: Tensor, guess: Guess, j: Tensor) -> Tensor | None:
        """A term on the strong views' logits [mu B, C], added to the labelled loss; a scalar."""
        return None

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        refined = self.refine(p, j)
        return self.selection(refined, self.target(p, refined), j)

    def selection(self, p: Tensor, target: Tensor, j: Tensor) -> Pseudo:
        """What passes the thresholds, of refined predictions and their targets."""
        label = target if target.ndim == 1 else target.argmax(-1)
        confidence, tau = p.amax(-1), self.threshold(p, j)
        return Pseudo(label, confidence, tau, confidence > tau)

    def rows(self, batch: Batch) -> Tensor:
        """The inputs of the pass with a gradient: labelled, weak if joint, strong."""
        return torch.cat([batch.x, *(batch.u if self.joint else batch.u[1:])])

    def weak(self, student: Student, batch: Batch) -> Tensor:
        """Logits of the weak views [mu B, C], in a pass without a gradient."""
        if not self.joint:
            return student.predict(batch.u[0])
        with torch.no_grad():
            return weak_rows(student.silent(self.rows(batch)), batch)

    def guess(self, student: Student, batch: Batch, weak: Tensor) -> Guess:
        """What logits of the weak views say."""
        p = weak.float().softmax(-1)  # Eq. (1)
        log = self.observe(student, p, batch.j)
        refined = self.refine(p, batch.j)
        return Guess(refined, self.target(p, refined), log)

    def inner(self, batch: Batch, guess: Guess) -> Callable[[Function], Inner]:
        """The objective of Eq. (2) before its gate: L_s, and the loss of each strong view, as a function of a net."""

        def objective(net: Function) -> Inner:
            logits, n = net(self.rows(batch)), len(batch.j)
            supervised = self.supervise(logits[: len(batch.x)], batch.y)
            unsupervised = cross_entropy(logits[-n:], guess.target)
            term = self.regularise(logits[-n:], guess, batch.j)
            base = supervised if term is None else supervised + term
            return Inner(self.lambda_u / n * unsupervised, base)

        return objective

    def outcome(self, here: Inner, guess: Guess, batch: Batch) -> Step:
        """Eq. (2) at the thresholds as they are."""
        with torch.no_grad():
            pseudo = self.selection(guess.p, guess.target, batch.j)
            gate = self.gate(pseudo.confidence, pseudo.threshold)
        loss = here.total(gate)
        log = guess.log | {"loss": loss, "loss_u": (gate * here.losses.detach()).sum()}
        return Step(loss, log, pseudo)

    def loss(self, student: Student, batch: Batch) -> Step:
        if not self.joint:
            guess = self.guess(student, batch, self.weak(student, batch))
            return self.outcome(self.inner(batch, guess)(student.net), guess, batch)
        logits = student.net(self.rows(batch))
        guess = self.guess(student, batch, weak_rows(logits.detach(), batch))
        return self.outcome(self.inner(batch, guess)(lambda rows: logits), guess, batch)


def weak_rows(logits: Tensor, batch: Batch) -> Tensor:
    """Of all rows those of the weak views, the first of two."""
    return logits[len(batch.x) :].chunk(2)[0]
