"""What a number may be, said where a constructor declares it.

    def __init__(self, *, tau: Share, lambda_u: NonNegative) -> None: ...

The configuration reads the annotations from the source (`benchmarks.config.signature`) and refuses anything else in one
line, before a run begins. Written out, `Annotated[float, Range(0, 1)]` says the same.
"""

from typing import Annotated, NamedTuple


class Range(NamedTuple):
    """least <= x <= most, above < x < below; None: no such bound."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


Share = Annotated[float, Range(0, 1)]  #: a probability, a share of the training, a confidence
PositiveShare = Annotated[float, Range(above=0, most=1)]
Decay = Annotated[float, Range(0, below=1)]  #: of a running average: the part of the old value that stays
Positive = Annotated[float, Range(above=0)]
NonNegative = Annotated[float, Range(0)]  #: a weight of a term of a loss
Count = Annotated[int, Range(1)]
Natural = Annotated[int, Range(0)]
