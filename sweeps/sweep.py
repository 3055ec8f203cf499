"""A table is declared once: rows x columns x seeds -> runs. Launcher, reports and tests read the same object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.arguments import nearest
from benchmarks.config import resolve
from benchmarks.errors import UserError
from benchmarks.store.run import Run

SCALES = ("paper", "short", "demo", "smoke")
ON_DIGITS = ("demo", "smoke")
PAPER_ONLY = {
    "demo": ("protocol=", "protocol.ratio=", "backbone="),
    "smoke": ("protocol=", "protocol.ratio=", "backbone=", "steps="),
}


@dataclass(frozen=True)
class Cell:
    """One run that a table asks for, and where its number goes."""

    row: str
    column: str
    seed: int
    overrides: tuple[str, ...]  #: what `python -m benchmarks.run` takes
    config: Mapping[str, Any] = field(hash=False, compare=False, repr=False)
    choice: str = ""  #: which of the row's `choices` it is, if it has any

    @cached_property
    def run(self) -> Run:
        return Run(self.config)

    @property
    def label(self) -> str:
        return ", ".join(filter(None, (self.row, self.column, self.choice, f"seed {self.seed}")))

    @property
    def command(self) -> str:
        return " ".join(("python -m benchmarks.run", *self.overrides))


@dataclass(frozen=True)
class Budget:
    """When a cell is read: after so many hours of training, or after a share of what the row `of` takes in all.

    With both, `hours` are the paper's and `share` is of the paper's whole: the share counts where our device is so fast
    that `of` is done before that, and hours would put most columns into the last.
    """

    hours: float | None = None
    share: float | None = None
    of: str = ""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A table or figure of a paper.

    rows, columns: name -> overrides of a run, column first, so that a row may overrule its column, and a single cell
    both; None while the method, or the column's data loader, does not exist. Several runs may share one
    configuration: it runs once.
    """

    caption: str
    published: str = ""  #: the published table that it is read beside, if not that of its own name
    demo_caption: str = ""  #: at demo and smoke scale, where the other one names data
    metric: str = "error"  #: a name in METRICS of reports.read, in percent
    rows: Mapping[str, str | None]
    columns: Mapping[str, str | None]
    demo: Mapping[str, str] = field(default_factory=dict)  #: the columns at demo and smoke scale; empty: no others
    single: Mapping[tuple[str, str], str] = field(default_factory=dict)  #: overrides of one (row, column)
    metrics: Mapping[str, str] = field(default_factory=dict)  #: column -> metric, where it is another than `metric`
    budgets: Mapping[str, Budget] = field(default_factory=dict)  #: column -> when it is read, if not in the end
    beside: tuple[str, ...] = ()  #: rows of ours that the paper's table does not have
    reference: tuple[str, ...] = ()  #: rows that mark a limit and are not ranked
    baseline: str = "FixMatch"  #: the row that the others' paired differences are taken from; empty: there are none
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Row -> values of an option, "method.beta=0.5", all of which run on all seeds in every column that holds images
    out. The lowest mean validation error chooses one for each column, and its runs are the cell."""
    absent: frozenset[tuple[str, str]] = frozenset()  #: (row, column) of the paper's dashes
    remarks: tuple[str, ...] = ()  #: what the reader of the paper's columns must know of our runs
    seeds: int = 5
    demo_seeds: int | None = None  #: at demo scale; two, or as many as there are, unless it says so

    def columns_at(self, scale: str) -> Mapping[str, str | None]:
        return self.demo if self.demo and scale in ON_DIGITS else self.columns

    def caption_at(self, scale: str) -> str:
        return (scale in ON_DIGITS and self.demo_caption) or self.caption

    def seeds_at(self, scale: str) -> Sequence[int]:
        few = min(2, self.seeds) if self.demo_seeds is None else self.demo_seeds
        return range({"demo": few, "smoke": 1}.get(scale, self.seeds))

    def given(self, row: str, column: str) -> tuple[str, ...]:
        """Overrides of a cell that overrule all others, at every scale; a declared table has none."""
        return ()

    def metric_of(self, column: str) -> str:
        return self.metrics.get(column, self.metric)

    @property
    def timed(self) -> bool:
        """Are columns times of the same data, so that a mean over them says nothing?"""
        return bool(self.budgets)

    def remarks_at(self, scale: str) -> tuple[str, ...]:
        return self.remarks if self.columns_at(scale) is self.columns else ()

    def steps(self, row: str, column: str, scale: str, config: Mapping[str, Any]) -> int | None:
        """How long a cell trains, where that is not what its configuration says; a declared table leaves it so."""
        return None

    def state(self, row: str, column: str, scale: str) -> str:
        """Why a cell has no run, "absent" or "not implemented"; empty where it has one."""
        if (row, column) in self.absent:
            return "absent"
        return "not implemented" if self.rows[row] is None or self.columns_at(scale)[column] is None else ""

    def cells(self, scale: str) -> Iterator[Cell]:
        """Every run of the table; the only expansion there is. Raises UserError.

        At demo and smoke scale all rows of a table with `demo` columns run one protocol on one network, and at smoke
        scale equally many steps.
        """
        if scale not in SCALES:
            raise UserError(f'unknown scale "{scale}".{nearest(scale, SCALES)}')
        for row in self.rows:
            for column in self.columns_at(scale):
                if self.state(row, column, scale):
                    continue
                every = self.overrides(row, column, scale)
                plain = resolve(every)
                if steps := self.steps(row, column, scale, plain):
                    every = _last((*every, f"steps={steps}"))
                    plain = resolve(every)
                for choice in self._choices(row, column, plain):
                    overrides = _last((*every, choice) if choice else every)
                    config = resolve(overrides) if choice else plain
                    for seed in self.seeds_at(scale):
                        yield Cell(row, column, seed, (*overrides, f"seed={seed}"), {**config, "seed": seed}, choice)

    def overrides(self, row: str, column: str, scale: str) -> tuple[str, ...]:
        """What a cell's runs share, whichever their seed."""
        own = f"{self.rows[row]} {self.single.get((row, column), '')}".split()
        own = [o for o in own if not (self.demo and o.startswith(PAPER_ONLY.get(scale, ())))]
        where = (self.columns_at(scale)[column] or "").split()
        return _last((f"scale={scale}", *where, *own, *self.given(row, column)))

    def _choices(self, row: str, column: str, config: Mapping[str, Any]) -> Sequence[str]:
        """What the validation set is to choose from; one empty choice where there is none, or where it is given."""
        given = {_key(override) for override in self.given(row, column)}
        asked = [choice for choice in self.choices.get(row, ()) if _key(choice) not in given]
        return asked if asked and config["task"]["validation"] else ("",)


def _key(override: str) -> str:
    return override.partition("=")[0]


def _last(overrides: Sequence[str]) -> tuple[str, ...]:
    """Of each option what is said last, in the place where it is said first."""
    return tuple({_key(override): override for override in overrides}.values())


def pick(rows: Mapping[str, str | None], *names: str) -> dict[str, str | None]:
    """Some of a paper's rows, in this order."""
    return {name: rows[name] for name in names}
