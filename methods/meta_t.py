"""Meta-T and Green Meta-T ("Learning Sample-Aware Threshold for Semi-Supervised Learning")."""

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Batch, Facts, Function, Inner, Schedule, Step, Student
from methods.functional import cross_entropy, one_hot
from methods.options import Count, Decay, Positive
from methods.thresholding import Guess, Thresholding

BAND = 0.05  #: an input this near to its threshold is one that the slope lets the thresholds learn from


class TGN(nn.Sequential):
    """The threshold generation network V: [p, p_bar] [B, 2C] -> tau in (0, 1) [B]; an MLP {2C, *hidden, 1}.

    Sec. 4.2 and 5.1. The sigmoid at its end is ours (erratum T3): Fig. 5c starts at 0.5.
    """

    def __init__(self, n_classes: int, hidden: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for m, n in pairwise([2 * n_classes, *hidden]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        super().__init__(*layers, nn.Linear(hidden[-1] if hidden else 2 * n_classes, 1), nn.Sigmoid(), nn.Flatten(0))


class MetaT(Thresholding):
    """tau_m = V(p_m, p_bar_{y_hat_m}; Theta)                                                                    (Eq. 6)

    w_hat(Theta) = w - alpha grad_w [L_s + lambda_u 1/(mu B) sum_m S_m(Theta) H(y_hat_m, f(A_s(u_m); w))]        (Eq. 8)
    Theta <- Theta - Adam of grad_Theta 1/B sum_i H(y_i, f(x_i; w_hat(Theta)))                            (Eq. 9, 17)
    w <- one step of the optimizer on the same loss with the new Theta                                    (Eq. 10, 14)

    S_m = 1 / (1 + exp(-slope (max p_m - tau_m))) stands for the indicator, in look-ahead and update (Eq. 14; T41).
    By the chain rule grad_Theta = sum_m influence_m grad_Theta S_m, influence_m = d L_meta(w_hat) / d S_m (Eq. 17).

    labelled_ahead: whether L_s is in Eq. 8's look-ahead; the paper's own formulas leave it out (T2).

    Deviations, each decided in the errata: L_s is in both losses by default (T2); p_bar_c is a running mean of p over
    the inputs predicted c, updated once a step, where Eq. 5 averages over all M inputs (T5); the meta batch is the
    step's labelled batch (Algorithm 2, line 6). A look-ahead is plain SGD at the current learning rate (no momentum, no
    weight decay).
    """

    p_bar: Tensor

    def __init__(
        self,
        *,
        hidden: Sequence[Count],
        slope: Positive,
        momentum: Decay,
        labelled_ahead: bool,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        **thresholding: Any,
    ) -> None:
        super().__init__(**thresholding)
        self.hidden, self.slope, self.momentum = hidden, slope, momentum
        self.labelled_ahead = labelled_ahead
        self.make_optimizer, self.schedule = optimizer, schedule

    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        self.tgn = TGN(facts.n_classes, self.hidden)
        self.optimizer = self.make_optimizer(self.tgn.parameters())
        self.lr = self.optimizer.param_groups[0]["lr"]
        self.register_buffer("p_bar", torch.full((facts.n_classes,) * 2, 1 / facts.n_classes))
        return net

    def weak(self, student: Student, batch: Batch) -> Tensor:
        """Always in single precision: the slope of S magnifies an error of the confidences a hundred times."""
        with torch.autocast(batch.x.device.type, enabled=False):
            return super().weak(student, batch)

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        with torch.autocast(p.device.type, enabled=False):  # the slope magnifies what half precision rounds
            return self.tgn(torch.cat([p, self.p_bar[p.argmax(-1)]], -1))  # Eq. (6)

    def surrogate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        """S [B] of confidences and thresholds [B]."""
        return torch.sigmoid(self.slope * (confidence - tau))

    def gate(self, confidence: Tensor, tau: Tensor) -> Tensor:
        return self.surrogate(confidence, tau)

    def observe(self, student: Student, p: Tensor, j: Tensor) -> dict[str, Tensor]:
        """p_bar_c <- momentum p_bar_c + (1 - momentum) mean of p over the inputs predicted c     (Eq. 5, T5)."""
        predicted = one_hot(p.argmax(-1), p.shape[1])  # [B, C]
        count = predicted.sum(0)[:, None]
        with torch.autocast(p.device.type, enabled=False):
            mean = predicted.T @ p / count.clamp(min=1)
        self.p_bar.lerp_(mean, (1 - self.momentum) * (count > 0).to(p.dtype))
        return {}

    def loss(self, student: Student, batch: Batch) -> Step:
        """Algorithm 1."""
        guess = self.guess(student, batch, self.weak(student, batch))  # p, p_bar
        here, gradients = self.look_ahead(student, batch, guess)
        self.learn(student, gradients)  # Eq. (9)
        return self.outcome(here, guess, batch)  # Eq. (10), (14): with the new Theta

    def look_ahead(self, student: Student, batch: Batch, guess: Guess) -> tuple[Inner, Sequence[Tensor]]:
        """The inner objective at w, and grad_Theta of the labelled loss at w_hat(Theta)."""
        x, y = self.meta_batch(batch)

        def meta(net: Function) -> Tensor:
            return cross_entropy(net(x), y).mean()  # Eq. (9)

        objective, supervised = self.inner(batch, guess), []

        def inner(net: Function) -> Inner:
            here = objective(net)
            supervised.append(here.base)
            return here if self.labelled_ahead else here._replace(base=None)

        confidence, tau = guess.p.amax(-1), self.threshold(guess.p, batch.j)
        S = self.surrogate(confidence, tau)
        influence, here = student.influence(inner, meta, S.detach())  # Eq. (8)
        if not self.labelled_ahead:  # the update has L_s nonetheless; the engines' first pass is at w
            here = here._replace(base=supervised[0], descended=None)
        gradients = torch.autograd.grad(S, list(self.tgn.parameters()), influence)  # Eq. (17)
        guess.log["meta_gradient"] = torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))
        guess.log["band"] = ((confidence - tau).abs() < BAND).float().mean()
        guess.log["negative"] = (influence < 0).float().mean()  # of these the labelled loss wants more
        return here, gradients

    def meta_batch(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The labelled inputs [B, ...] and classes [B] that L_meta is taken of, once a step."""
        return batch.x, batch.y

    def learn(self, student: Student, gradients: Sequence[Tensor]) -> None:
        """Theta <- one step of its own optimizer."""
        for parameter, gradient in zip(self.tgn.parameters(), gradients, strict=True):
            parameter.grad = gradient
        for group in self.optimizer.param_groups:
            group["lr"] = student.now(self.rate)
        self.optimizer.step()

    def rate(self, progress: float) -> float:
        return self.lr * self.schedule(progress)

    def get_extra_state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])


class GreenMetaT(MetaT):
    """Meta-T whose thresholds learn on every k-th step only (Algorithm 2: t % k = 0); k = 1 is Meta-T."""

    def __init__(self, *, k: Count, **meta_t: Any) -> None:
        super().__init__(**meta_t)
        self.k = k

    def phase(self, step: int) -> Hashable:
        return self.learns(step)

    def learns(self, step: int) -> bool:
        return step % self.k == 0

    def loss(self, student: Student, batch: Batch) -> Step:
        return super().loss(student, batch) if self.learns(student.step) else Thresholding.loss(self, student, batch)


class LaggedMetaT(MetaT):
    """Meta-T whose w descends with Theta as it was before this step's learning (ours, not the paper's).

    Then the gradient of Eq. (8) is the update's too, and one of three backward passes is saved.
    """

    def loss(self, student: Student, batch: Batch) -> Step:
        guess = self.guess(student, batch, self.weak(student, batch))
        here, gradients = self.look_ahead(student, batch, guess)
        step = self.outcome(here, guess, batch)
        self.learn(student, gradients)
        return step if here.descended is None else step._replace(loss=here.descended)
