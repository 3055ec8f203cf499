"""FixMatch (Sohn et al., NeurIPS 2020)."""

from typing import Any

from torch import Tensor

from methods.options import Share
from methods.thresholding import Thresholding


class FixMatch(Thresholding):
    """tau is a constant.

    Deviation: max p > tau as in Eq. (2) of the Meta-T paper, where FixMatch writes >=.
    """

    def __init__(self, *, tau: Share, **thresholding: Any) -> None:
        super().__init__(**thresholding)
        self.tau = tau

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return p.new_full((len(p),), self.tau)
