"""ReMixMatch (Berthelot et al., ICLR 2020)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.alignment import WindowAlignment
from methods.base import Batch, Facts, Method, Step, Student
from methods.functional import cross_entropy, linear_ramp_up, one_hot, sharpen, silently
from methods.heads import WithHeads
from methods.mixmatch import interleaved, mixup_each
from methods.options import Count, NonNegative, Positive, Share


def rotated(u: Tensor) -> tuple[Tensor, Tensor]:
    """A quarter of images [B, ..., S, S] turned by 0, 90, 180 and 270 degrees each, and by how often 90 [B]."""
    if u.ndim < 3 or u.shape[-1] != u.shape[-2]:
        raise ValueError(f"ReMixMatch rotates square images, and an input is {list(u.shape[1:])}")
    quarters = u.tensor_split(4)
    turned = torch.cat([torch.rot90(part, k, (-2, -1)) for k, part in enumerate(quarters)])
    times = torch.cat([torch.full((len(part),), k, device=u.device) for k, part in enumerate(quarters)])
    return turned, times


class ReMixMatch(Method):
    """L = H(p, f(x')) + w(t) [w_match H(q, f(u')) + w_kl H(q, f(s_1))] + w_rot H(r, rotation(s_1 turned by r))

    q_b = Sharpen(Normalize(p_b p(y) / p~), T),   p_b = softmax f(weak view of u_b) [C]             (Sec. 3.1)
    p(y): the labels' distribution; p~: the mean of p over the last `window` steps, uniform at first
    s_1, s_2: strong views with the weak view's q (augmentation anchoring, Sec. 3.2); s_1 also un-mixed
    (x', p), (u', q): MixUp of labelled inputs, weak and strong views as MixMatch's; w(t) = min(t / ramp, 1)

    All terms are means over their inputs. As in the authors' code (google-research/remixmatch) the last of the
    interleaved passes alone moves batch norm's running statistics; q is the weak view's (its option redux=1st).

    Deviations: no CTAugment: strong views are the task's RandAugment, and two of them, where the paper has K = 8.
    """

    views = ("weak", "strong", "strong")
    labelled_view = "strong"  # Algorithm 1

    def __init__(
        self,
        *,
        T: Positive,
        beta: Positive,
        w_match: NonNegative,
        w_kl: NonNegative,
        w_rot: NonNegative,
        ramp: Share,
        window: Count,
    ) -> None:
        super().__init__()
        self.T, self.beta, self.ramp, self.window = T, beta, ramp, window
        self.w_match, self.w_kl, self.w_rot = w_match, w_kl, w_rot

    def setup(self, facts: Facts, net: Any) -> nn.Module:
        self.n_classes = facts.n_classes
        self.align = WindowAlignment(facts.n_classes, self.window, 1 / facts.n_classes, facts.class_counts.float())
        rotation = nn.Linear(net.feature_dim, 4)
        nn.init.xavier_normal_(rotation.weight)
        nn.init.zeros_(rotation.bias)
        return WithHeads(net, rotation=rotation)

    def guess(self, student: Student, weak: Tensor) -> tuple[Tensor, Tensor]:
        """p and q [mu B, C]; p~ is of the steps before, and takes p in afterwards."""
        with torch.no_grad():
            p = student.silent(weak).float().softmax(-1)
        q = sharpen(self.align(p), self.T)
        self.align.observe(p)
        return p, q

    def loss(self, student: Student, batch: Batch) -> Step:
        n, (weak, strong, _) = len(batch.x), batch.u
        p, q = self.guess(student, weak)
        y = one_hot(batch.y, self.n_classes)
        inputs, targets = mixup_each(torch.cat([batch.x, *batch.u]), torch.cat([y, q, q, q]), self.beta)
        losses = cross_entropy(interleaved(student, inputs, n, moves=-1), targets)
        anchored = cross_entropy(student.silent(strong), q).mean()
        turned, times = rotated(strong)
        rotation = cross_entropy(student.net.heads["rotation"](silently(student.net.features, turned)), times).mean()

        supervised, matched = losses[:n].mean(), losses[n:].mean()
        w = student.now(lambda t: linear_ramp_up(t, self.ramp))
        unsupervised = w * (self.w_match * matched + self.w_kl * anchored) + self.w_rot * rotation
        log = {"loss_s": supervised, "loss_u": unsupervised, "rotation": rotation}
        return Step(supervised + unsupervised, log, self.pseudo(p, batch.j))
