"""Classifier re-training, cRT (Kang et al., ICLR 2020)."""

import copy
from typing import Any

from methods.base import Trainer
from methods.options import PositiveShare
from methods.supervised import Supervised


class CRT(Supervised):
    """L = 1/B sum_i H(y_i, W f(x_i) + b) in two stages                                             (Sec. 4.1 and 4.2)

    1. theta, W and b learn from labelled inputs as they come, so the long tail forms the features f(.; theta);
    2. theta stays; a new W [C, d] and b [C] learn from class-balanced batches: every class equally likely, then every
       input of it. This takes the share `retraining` of all steps.

    Labelled data alone. The features are the running average's, which is what is graded, and the new classifier starts
    where the first one did. Deviation: batch norm is in evaluation mode in stage 2, where the authors' code
    (facebookresearch/classifier-balancing) lets its statistics follow the balanced batches.
    """

    def __init__(self, *, retraining: PositiveShare) -> None:
        super().__init__()
        self.retraining = retraining

    def fit(self, trainer: Trainer, net: Any) -> Any:
        new = copy.deepcopy(net.classifier)
        first = trainer.train(self, net, share=1 - self.retraining)
        net = copy.deepcopy(first.average)
        net.features.requires_grad_(False).eval()
        net.classifier = new
        return trainer.train(self, net, task=trainer.task.with_balance(), share=self.retraining)
