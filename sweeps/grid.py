"""A sweep that is written out in its name:  row=FixMatch method.lambda_u=0.5,1,2 seed=0..4

Options of runs with one value or a list of them: a,b,c, or first..last for whole numbers, both included. Every
combination is a run. Options of the task make columns, all others rows, and `seed` says which seeds. A declared table
before them gives the rows and columns that are varied, all or those named by row= and column=; without one a row is
looked up in the papers' lists, and without a row a method is meant as its YAML has it.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import product
from typing import Any

from benchmarks.config import GROUPS, resolve
from benchmarks.errors import UserError
from sweeps.lists import seeds, some, values
from sweeps.names import PAPERS, declared
from sweeps.sweep import Budget, Sweep

OPTIONS = (*GROUPS, "seed", "steps", "engine", "precision")
Variant = tuple[str, ...]  #: overrides


def is_option(key: str) -> bool:
    """Is it an option of runs, as far as its form tells? `scale` is asked for beside the sweep."""
    return key != "scale" and (key in OPTIONS or "." in key)


def written(tables: Sequence[str], options: Iterable[str]) -> str:
    """The name of the sweep that these words mean: rows and columns first, ready for a shell."""
    return shlex.join([*tables, *sorted(options, key=lambda option: not option.startswith(("row=", "column=")))])


@dataclass(frozen=True, kw_only=True)
class Grid(Sweep):
    """Rows and columns of another sweep, each in the variants that were asked for."""

    more: Mapping[str, Variant] = field(default_factory=dict)  #: row or column -> overrides that overrule all others
    base: Sweep
    origin: Mapping[str, str] = field(default_factory=dict)  #: row or column -> the base's, which it is a variant of
    chosen: tuple[int, ...] = ()  #: seeds; none: as the table has them

    def seeds_at(self, scale: str) -> Sequence[int]:
        return self.chosen or super().seeds_at(scale)

    def given(self, row: str, column: str) -> tuple[str, ...]:
        return (*self.more[row], *self.more[column])

    def steps(self, row: str, column: str, scale: str, config: Mapping[str, Any]) -> int | None:
        if any(override.startswith("steps=") for override in self.given(row, column)):
            return None
        return self.base.steps(self.origin[row], self.origin[column], scale, config)

    @property
    def timed(self) -> bool:
        return self.base.timed

    def remarks_at(self, scale: str) -> tuple[str, ...]:
        return self.base.remarks_at(scale)


def load(name: str) -> Sweep:
    """The sweep of that name, declared or written out. Raises UserError."""
    return grid(name) if "=" in name else declared(name)


def grid(name: str) -> Grid:
    """The sweep that a name like the one above means. Raises UserError."""
    words = shlex.split(name)
    tables = [word for word in words if "=" not in word]
    asked = dict(word.split("=", 1) for word in words if "=" in word)
    rows, columns = asked.pop("row", None), asked.pop("column", None)
    chosen = tuple(seeds(asked.pop("seed"))) if "seed" in asked else ()
    lists = {key: values(text) for key, text in asked.items()}
    of_task = {key: lists.pop(key) for key in list(lists) if key.partition(".")[0] == "task"}
    if tables:
        base = declared(tables[0])
    elif columns is not None:
        raise UserError(f"column={columns} of which table? e.g. meta_t/table1 column=digits/40")
    else:
        base = _untabled(rows, [f"method={name}" for name in lists.get("method", ())[:1]])
    every = {**base.columns, **base.demo}
    made_rows = _varied(some("row", rows, base.rows) if rows else base.rows, lists)
    made_columns = _varied(some("column", columns, every) if columns else every, of_task)
    if not tables:
        made_columns = {_place(variant): ("", variant) for _, variant in made_columns.values()}
    return _grid(base, made_rows, made_columns, caption=name, chosen=chosen)


def _grid(
    base: Sweep, rows: Mapping[str, tuple[str, Variant]], columns: Mapping[str, tuple[str, Variant]], **more: Any
) -> Grid:
    """rows, columns: label -> the base's row or column, and the overrides of the variant."""
    pairs = list(product(rows.items(), columns.items()))
    return Grid(
        base=base,
        origin={label: name for label, (name, _) in (*rows.items(), *columns.items())},
        metric=base.metric,
        rows={label: base.rows[row] for label, (row, _) in rows.items()},
        columns={label: base.columns[c] for label, (c, _) in columns.items() if c in base.columns},
        demo={label: base.demo[c] for label, (c, _) in columns.items() if c in base.demo},
        single={(r, c): base.single[key] for (r, (a, _)), (c, (b, _)) in pairs if (key := (a, b)) in base.single},
        metrics={label: base.metrics[c] for label, (c, _) in columns.items() if c in base.metrics},
        budgets={label: _budget(base.budgets[c], rows) for label, (c, _) in columns.items() if c in base.budgets},
        reference=tuple(label for label, (row, _) in rows.items() if row in base.reference),
        absent=frozenset((r, c) for (r, (a, _)), (c, (b, _)) in pairs if (a, b) in base.absent),
        baseline=next((label for label, (row, _) in rows.items() if row == base.baseline), next(iter(rows))),
        seeds=base.seeds,
        demo_seeds=base.demo_seeds,
        choices={label: base.choices[row] for label, (row, _) in rows.items() if row in base.choices},
        more={label: variant for label, (_, variant) in (*rows.items(), *columns.items())},
        **more,
    )


def _budget(budget: Budget, rows: Mapping[str, tuple[str, Variant]]) -> Budget:
    """When a column is read: a share is of the first variant of its row, and hours are hours where that is not here."""
    of = next((label for label, (row, _) in rows.items() if row == budget.of), "")
    return replace(budget, of=of) if of else Budget(hours=budget.hours) if budget.hours else budget


def _untabled(rows: str | None, method: Sequence[str]) -> Sweep:
    """What is varied without a table: rows of the papers' lists, or a method, on the task that is asked for."""
    known: dict[str, str | None] = {}
    for paper in reversed(PAPERS):
        known |= import_module(f"sweeps.{paper}").ROWS
    chosen = {row: known[row] for row in some("row", rows, known)} if rows else {resolve(method)["method"]["name"]: ""}
    return Sweep(caption="", rows=chosen, columns={"": ""}, demo={"": ""}, baseline="")


def _place(variant: Variant) -> str:
    """A column's name: "digits/40", and whatever else of the task is set."""
    task = resolve(variant)["task"]
    other = [
        o.removeprefix("task.") for o in variant if o.partition("=")[0] not in ("task", "task.name", "task.labels")
    ]
    return ", ".join((f"{task['name']}/{task['labels']}", *other))


def _varied(names: Iterable[str], lists: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, Variant]]:
    """Every name in every variant: label -> name, overrides. A label says what tells the variants apart."""
    found = {}
    for name, chosen in product(names, product(*lists.values())):
        varied = {key: value for key, value in zip(lists, chosen, strict=True) if len(lists[key]) > 1}
        head = varied.pop("method", name)
        label = ", ".join(filter(None, (head, *(f"{_short(key, lists)}={value}" for key, value in varied.items()))))
        found[label] = (name, tuple(f"{key}={value}" for key, value in zip(lists, chosen, strict=True)))
    return found


def _short(key: str, lists: Mapping[str, Sequence[str]]) -> str:
    """The last part of an option's name, where that is no other's."""
    last = key.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in lists) == 1 else key
