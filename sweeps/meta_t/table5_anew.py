"""Meta-T, Table 5, trained anew for each time (erratum T29). An hour is the twentieth part of FixMatch's training."""

from sweeps.anew import anew
from sweeps.meta_t.table5 import SWEEP as TABLE5

SWEEP = anew("meta_t/table5", TABLE5)
