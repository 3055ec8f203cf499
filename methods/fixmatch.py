"""FixMatch (Sohn et al., NeurIPS 2020)."""

from torch import Tensor

from methods.thresholding import Thresholding


class FixMatch(Thresholding):
    """tau is a constant.

    Deviation: max p > tau as in Eq. (2) of the Meta-T paper, where FixMatch writes >=.
    """

    def __init__(self, *, tau: float, lambda_u: float) -> None:
        super().__init__(lambda_u=lambda_u)
        self.tau = tau

    def threshold(self, p: Tensor, j: Tensor) -> Tensor:
        return p.new_full((len(p),), self.tau)
