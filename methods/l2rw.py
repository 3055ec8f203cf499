"""Learning to Reweight (Ren et al., ICML 2018), for pseudo-labels (Meta-Semi, App. C)."""

from torch import Tensor

from methods.meta_semi import MetaSemi


class L2RW(MetaSemi):
    """w_j = max(-g_j, 0) / sum_k max(-g_k, 0),   0 where no g is negative;   L = sum_j w_j L(y~_j, p(u~_j))

    g_j = d sum_i L(y~_i, p(x~_i | theta_1)) / d w_j at w = 0 [B + mu B]. Pseudo-labels and MixUp are Meta-Semi's; the
    rule for the weights is that of Ren et al. (Algorithm 1), whose code adds 1 to a sum of 0, as Eq. (1) does here.
    """

    def weigh(self, influence: Tensor) -> Tensor:
        return (-influence).clamp(min=0)
