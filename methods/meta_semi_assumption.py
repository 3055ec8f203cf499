"""Meta-Semi with its Assumption 1 measured on the way (Meta-Semi, Fig. 2)."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from methods.base import Batch, Function
from methods.functional import cross_entropy, mixup, one_hot
from methods.meta_semi import MetaSemi
from methods.options import Count


class MetaSemiAssumption(MetaSemi):
    """ratio = E_{X~,U~} || grad L_meta ||^2  /  || grad E_{X~} G(X~) ||^2                          (Fig. 2)

    G(X~) = sum_i L(y~_i, p(x~_i))                                                                  (Eq. 15)

    Both expectations are means over `samples` batches (500 in the paper) at the present weights, batch norm as in
    training. Trains as Meta-Semi, bit for bit. The square of a mean over n samples overestimates the denominator by
    their variance / n, so few samples make the ratio small; the paper's estimate is the same with n = 500.
    """

    def __init__(self, *, samples: Count, **meta_semi: Any) -> None:
        super().__init__(**meta_semi)
        self.samples = samples

    def supervised(self, net: Function, batch: Batch) -> Tensor:
        """G, a scalar, on MixUp of the labelled batch (Eq. 12)."""
        x, y = mixup(batch.x, one_hot(batch.y, self.n_classes), self.beta)
        return cross_entropy(net(x), y).sum()  # Eq. (15)

    def probe(self, student: Any, batches: Iterator[Batch]) -> dict[str, Tensor]:
        parameters = list(student.net.parameters())

        def gradient(loss: Tensor) -> Tensor:
            parts = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
            return torch.cat([part.flatten() for part in parts])

        meta, labelled = [], torch.zeros((), device=parameters[0].device)
        for batch in islice(batches, self.samples):
            meta.append(gradient(self.loss(student, batch).loss).square().sum())
            labelled = labelled + gradient(self.supervised(student.net, batch)) / self.samples
        upper, lower = torch.stack(meta).mean(), labelled.square().sum()
        return {"meta_square": upper, "labelled_square": lower, "ratio": upper / lower}
