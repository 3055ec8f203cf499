"""CoMatch (Li, Xiong and Hoi, ICCV 2021)."""

from typing import Any

import torch
from torch import Tensor, nn

from methods.alignment import WindowAlignment
from methods.base import Batch, Facts, Method, Pseudo, Step, Student
from methods.functional import cross_entropy, one_hot, product
from methods.heads import WithHeads, embed, projection
from methods.options import Count, NonNegative, Positive, Share
from methods.thresholding import above


class CoMatch(Method):
    """L = L_s + lambda_u 1/(mu B) sum_m 1(max q_m > tau) H(q_m, f(s_m)) + lambda_c 1/(mu B) sum_m H(W^q_m, W^z_m)

    q_m = alpha p_m + (1 - alpha) sum_k a_mk p_k,   a_m = softmax(z_m . z_k / t) over the memory's k    (smoothing)
    W^q_mn = 1 if m = n, q_m . q_n where that is >= T, else 0; rows sum to 1                            (the graph)
    W^z_m = softmax(z(s_m) . z(s'_n) / t) over n                                                        (embeddings)

    p [mu B, C]: aligned predictions of the weak views; z [., d]: projected features of length 1; s, s': two strong
    views. The memory is a queue of the last `queue` weak views with z and p (before smoothing), and of the labelled
    inputs with z and y; it smooths once it is full. As in the authors' code all rows share one pass.

    Deviations: max q > tau, where the code has >=; the code's 1e-7 within log W^z is left out.
    """

    views = ("weak", "strong", "strong")
    memory_z: Tensor
    memory_p: Tensor
    written: Tensor

    def __init__(
        self, *, tau: Share, alpha: Share, t: Positive, T: Positive, dim: Count, queue: Count, window: Count,
        lambda_u: NonNegative, lambda_c: NonNegative,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tau, self.alpha, self.t, self.T = tau, alpha, t, T
        self.dim, self.queue, self.window = dim, queue, window
        self.lambda_u, self.lambda_c = lambda_u, lambda_c

    def setup(self, facts: Facts, net: Any) -> nn.Module:
        if self.queue < 1:
            raise ValueError(f"the memory holds at least one input, got queue={self.queue}")
        self.align = WindowAlignment(facts.n_classes, self.window, 0.0)
        self.register_buffer("memory_z", torch.zeros(self.queue, self.dim))
        self.register_buffer("memory_p", torch.zeros(self.queue, facts.n_classes))
        self.register_buffer("written", torch.zeros(1, dtype=torch.int64))  # entries ever
        return WithHeads(net, projection=projection(net.feature_dim, self.dim))

    def pseudo(self, p: Tensor, j: Tensor) -> Pseudo:
        return above(self.align(p), self.tau)

    def smooth(self, p: Tensor, z: Tensor) -> Tensor:
        """q [mu B, C] of aligned p [mu B, C] and z [mu B, d]."""
        a = (product(z, self.memory_z.T) / self.t).softmax(-1)
        full = (self.written >= self.queue).to(p.dtype)
        return p + full * (1 - self.alpha) * (product(a, self.memory_p) - p)

    def remember(self, p: Tensor, z: Tensor) -> None:
        """The oldest entries make room."""
        p, z = p[-self.queue :], z[-self.queue :]
        places = (self.written + torch.arange(len(p), device=p.device)) % self.queue
        self.memory_p.index_copy_(0, places, p)
        self.memory_z.index_copy_(0, places, z)
        self.written += len(p)

    def graph(self, q: Tensor) -> Tensor:
        """W^q [mu B, mu B]."""
        W = product(q, q.T).fill_diagonal_(1)
        W = W * (W >= self.T)
        return W / W.sum(1, keepdim=True)

    def loss(self, student: Student, batch: Batch) -> Step:
        logits, z = embed(student.net, torch.cat([batch.x, *batch.u]))
        rows = [len(batch.x), *map(len, batch.u)]
        x, weak, strong, _ = logits.split(rows)
        z_x, z_weak, z_strong, z_other = z.split(rows)
        with torch.no_grad():
            p = weak.softmax(-1)
            self.align.observe(p)
            p = self.align(p)
            q = self.smooth(p, z_weak)
            self.remember(torch.cat([p, one_hot(batch.y, p.shape[1])]), torch.cat([z_weak, z_x]))
            pseudo, W = above(q, self.tau), self.graph(q)
        supervised = cross_entropy(x, batch.y).mean()
        unsupervised = self.lambda_u * (pseudo.selected * cross_entropy(strong, q)).mean()
        contrast = self.lambda_c * cross_entropy(product(z_strong, z_other.T) / self.t, W).mean()
        log = {"loss_s": supervised, "loss_u": unsupervised, "contrast": contrast}
        return Step(supervised + unsupervised + contrast, log, pseudo)
