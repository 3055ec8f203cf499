"""Tables of fixed time, each time a training of its own: its schedule ends when the time does.

The papers print errors after so many hours and do not say whether the schedule was made for them. A table of fixed time
reads one training at several times; here a time decides how many steps a training has. It is counted in operations, for
a step's seconds are known on a device only, and then differ from one run to the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from benchmarks.config import resolve
from benchmarks.errors import UserError
from sweeps.sweep import Budget, Sweep

PASSES: dict[str, Callable[[float, float], float]] = {
    # A step in forward passes of one image, of x labelled and u unlabelled ones; a backward pass is two, and so is a
    # tangent (docs/performance.md, Operations).
    "fixmatch": lambda x, u: u + 3 * (x + u),  # weak views; the inner pass and its update
    "meta_t": lambda x, u: u + 7 * (x + u) + 3 * x,  # FixMatch's; look-ahead, tangent; meta pass
    "meta_t_lagged": lambda x, u: u + 5 * (x + u) + 3 * x,  # the look-ahead's gradient is the update's
    "meta_semi": lambda x, u: u + 5 * (x + u) + 3 * x,
    "ict": lambda x, u: u + 4 * (x + u),  # the student's own labels, mixed rows; the average's labels
    "mixmatch": lambda x, u: 2 * u + 3 * (x + 2 * u),  # two views' labels; both of them mixed
}


def operations(config: Mapping[str, Any]) -> float:
    """What a step of this configuration takes, in forward passes of one image; a mean, where steps differ.

    Raises UserError for a method whose passes nobody has counted.
    """
    name, labelled = config["method"]["name"], config["protocol"]["batch"]
    unlabelled = labelled * config["protocol"]["ratio"]
    if name == "green_meta_t":  # one step in k is Meta-T's
        meta_t, fixmatch = (PASSES[method](labelled, unlabelled) for method in ("meta_t", "fixmatch"))
        return fixmatch + (meta_t - fixmatch) / config["method"]["k"]
    if name not in PASSES:
        raise UserError(f"how many passes does a step of {name} take? Count them into PASSES in sweeps/anew.py")
    return PASSES[name](labelled, unlabelled)


@dataclass(frozen=True, kw_only=True)
class Anew(Sweep):
    """A table whose columns in `times` train for a share of the operations that the whole training of a row takes."""

    times: Mapping[str, Budget] = field(default_factory=dict)  #: column -> `share` and `of`

    def steps(self, row: str, column: str, scale: str, config: Mapping[str, Any]) -> int | None:
        if column not in self.times or scale == "smoke":
            return None
        budget = self.times[column]
        whole = resolve(self.overrides(budget.of, column, scale))
        return max(1, round((budget.share or 0) * whole["steps"] * operations(whole) / operations(config)))

    @property
    def timed(self) -> bool:
        return True

    def remarks_at(self, scale: str) -> tuple[str, ...]:
        of = ", ".join(dict.fromkeys(self.times[c].of for c in self.columns_at(scale) if c in self.times))
        said = f"Each time is a training with a schedule of its own, of that share of the operations of {of}'s whole."
        return (*super().remarks_at(scale), *(() if scale == "smoke" else (said,)))


def anew(name: str, sweep: Sweep) -> Anew:
    """A table of fixed time, `name`, with a training for each time instead of one that is read at each."""
    captions = {"caption": sweep.caption, "demo_caption": sweep.demo_caption}
    said = {kind: f"{text[:-1]}, trained anew for each." for kind, text in captions.items() if text}
    same = {part.name: getattr(sweep, part.name) for part in fields(Sweep)}
    return Anew(**same | said | {"published": name, "budgets": {}, "times": sweep.budgets})
