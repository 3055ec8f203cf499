"""The names of sweeps: what `sweeps/` declares, and names that write a sweep out (`sweeps.grid`)."""

import re
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from benchmarks.arguments import nearest
from benchmarks.errors import UserError
from sweeps.sweep import Sweep

PAPERS = ("meta_t", "meta_semi")
OWN = "own"  #: the folder of the user's own tables
FOLDERS = (*PAPERS, "findings", OWN)


def names() -> list[str]:
    """All declared sweeps: "meta_t/table1", ..."""
    here = Path(__file__).parent
    return sorted(f"{path.parent.name}/{path.stem}" for path in here.glob("*/[!_]*.py") if path.parent.name in FOLDERS)


def is_table(name: str) -> bool:
    """Is it shown as a table? What is not has a figure of its own."""
    return "/table" in name or name.startswith(f"{OWN}/") or "=" in name


def declared_tables() -> list[str]:
    """Every table: those of the papers, then your own."""
    found = [name for name in names() if is_table(name)]
    return sorted(found, key=lambda name: (FOLDERS.index(name.partition("/")[0]), name))


def slug(name: str) -> str:
    """A sweep's name as that of a file or job."""
    if "=" not in name:
        return name
    plain = re.sub(r"[^\w.,=-]+", "_", name).strip("_")
    return f"{OWN}/{plain if len(plain) <= 100 else f'{plain[:90]}-{sha256(name.encode()).hexdigest()[:9]}'}"


def declared(name: str) -> Sweep:
    """The sweep that `sweeps/<name>.py` declares. Raises UserError with the nearest name."""
    if name not in names():
        raise UserError(f'unknown table or figure "{name}".{nearest(name, names())}')
    module = import_module(f"sweeps.{name.replace('/', '.')}")
    sweep = getattr(module, "SWEEP", None)
    if not isinstance(sweep, Sweep):
        raise UserError(f"sweeps/{name}.py declares no table: write SWEEP = Sweep(...) in it")
    return sweep
