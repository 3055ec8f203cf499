"""The learning rate over the training: share of the training done, in [0, 1] -> factor."""

import math
from collections.abc import Sequence

from benchmarks.errors import UserError
from methods.options import NonNegative, Positive, Share

ROUNDING = 1e-9  #: a milestone that is a little above a third, or below, is that


def cosine(progress: float, *, cycles: Positive) -> float:
    """cos(2 pi cycles t): FixMatch's 7/16 of a half turn is cycles = 7/32."""
    return math.cos(2 * math.pi * cycles * progress)


def warmed_cosine(progress: float, *, warm_up: Share, cycles: Positive) -> float:
    """From 0 to 1 over the share `warm_up`, then `cosine` over the rest (USB, `get_cosine_schedule_with_warmup`)."""
    if progress < warm_up:
        return progress / warm_up
    return cosine((progress - warm_up) / (1 - warm_up), cycles=cycles)


def annealing(progress: float, *, floor: Share = 0.0) -> float:
    """floor + (1 - floor) (1 + cos(pi t)) / 2, from 1 to floor (Loshchilov & Hutter 2017)."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def multistep(progress: float, *, milestones: Sequence[Share], gamma: Positive) -> float:
    """Times gamma at each milestone, a share of the training."""
    return gamma ** sum(progress + ROUNDING >= m for m in milestones)


def stepwise(progress: float, *, milestones: Sequence[Share], factors: Sequence[NonNegative]) -> float:
    """The first factor, and the next one from each milestone on, a share of the training. Raises UserError."""
    if len(factors) != len(milestones) + 1:
        raise UserError(f"{len(milestones)} milestones need {len(milestones) + 1} factors, got {len(factors)}")
    return factors[sum(progress + ROUNDING >= m for m in milestones)]


def constant(progress: float) -> float:
    return 1.0
