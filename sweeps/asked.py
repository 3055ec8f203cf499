"""What launch, status and cancel are asked for on their command lines."""

from typing import NamedTuple

from benchmarks.arguments import nearest, read
from benchmarks.errors import UserError
from sweeps.grid import OPTIONS, is_option, load, written
from sweeps.settings import NAMES, is_setting
from sweeps.sweep import Cell

LAUNCHERS = ("local", "slurm", "debug")


class Order(NamedTuple):
    """What is asked for: a table or a part of it, and how to run it."""

    name: str
    scale: str
    row: str | None
    column: str | None
    launcher: str
    file: str | None  #: of launch settings
    given: dict[str, str]  #: launch settings on the command line
    dry: bool
    wait: bool

    @property
    def title(self) -> str:
        return f"{self.name} at scale={self.scale}"


def order(arguments: list[str]) -> Order:
    """What launch, status and cancel are asked for. Raises UserError."""
    words, options, rest = read(
        arguments,
        lambda key: is_setting(key) or is_option(key),
        (*NAMES, *OPTIONS),
        scale="demo",
        launcher=LAUNCHERS,
        row=None,
        column=None,
        settings=None,
    )
    tables = [word for word in words if word not in ("--dry-run", "--wait")]
    given = dict(pair for argument in rest if is_setting((pair := argument.split("=", 1))[0]))
    own = [argument for argument in rest if argument.partition("=")[0] not in given]
    if own or not tables:
        own += [f"{key}={options[key]}" for key in ("row", "column") if options[key] is not None]
        options |= {"row": None, "column": None}
    if len(tables) > 1 or not (tables or own):
        raise UserError("which table? e.g. python -m sweeps.launch meta_t/table1 scale=demo")
    name, dry, wait = written(tables, own) if own else tables[0], "--dry-run" in words, "--wait" in words
    return Order(name, file=options.pop("settings"), given=given, dry=dry, wait=wait, **options)


def distinct(name: str, scale: str, row: str | None = None, column: str | None = None) -> list[Cell]:
    """The cells of a table or of one row or column, each configuration once. Raises UserError."""
    sweep = load(name)
    for kind, chosen, known in (("row", row, sweep.rows), ("column", column, sweep.columns_at(scale))):
        if chosen is not None and chosen not in known:
            raise UserError(f'{name} has no {kind} "{chosen}" at scale={scale}.{nearest(chosen, known)}')
    cells = [c for c in sweep.cells(scale) if row in (None, c.row) and column in (None, c.column)]
    if not cells:
        raise UserError(f"{name} has no run for row={row} column={column} at scale={scale}")
    return list({cell.run.id: cell for cell in cells}.values())
