"""Meta-Semi, Table 4, trained anew for each time (erratum S4): the shares of ICT's, or MixMatch's, training."""

from sweeps.anew import anew
from sweeps.meta_semi.table4 import SWEEP as TABLE4

SWEEP = anew("meta_semi/table4", TABLE4)
