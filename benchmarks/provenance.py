"""What a run is made of besides its configuration: the content of its data set, and the code. Imports no torch.

A run records both. The same command against other data is never answered with the old number, and a run by other code
is named as stale wherever it is shown: $SSL_STALE=accept takes it as it is, $SSL_STALE=anew runs it again (the old
folder is kept in $SSL_RUNS/.stale).
"""

import ast
import hashlib
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.data import files
from benchmarks.errors import UserError
from benchmarks.machine import settings
from benchmarks.store.run import VERSION, Run

ROOT = Path(__file__).parents[1]
CORE = ("benchmarks.training.student",)  #: besides what the configuration names: the arithmetic that all runs share
OUTSIDE = ("benchmarks.machine", "benchmarks.errors")  #: what makes no numbers


def made_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What env.json says of a run's data and code: {"data": hash or None, "code": {module: hash}}."""
    return {"data": files.content(config["task"]), "code": code(config)}


def code(config: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of the sources that make a run's numbers, by module.

    Those that the configuration names (method, network, views, schedules), the student's, and whatever of `methods` and
    `benchmarks` these import. Comments, docstrings and layout do not count.
    """
    return _code(tuple(sorted({*CORE, *_named(config)})))


@cache
def _code(roots: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if module in found or path is None:
            continue
        found[module], more = _source(path)
        waiting += more
    return dict(sorted(found.items()))


def _named(config: Any) -> Iterator[str]:
    """Modules of ours that `_target_` names anywhere in a configuration."""
    if isinstance(config, Mapping):
        target = config.get("_target_")
        if isinstance(target, str) and target.startswith(("methods.", "benchmarks.")):
            yield target.rpartition(".")[0]
        for value in config.values():
            yield from _named(value)


def _path(module: str) -> Path | None:
    path = ROOT / f"{module.replace('.', '/')}.py"
    ours = module.startswith(("methods.", "benchmarks.")) and not module.startswith(OUTSIDE)
    return path if ours and path.is_file() else None


@cache
def _source(path: Path) -> tuple[str, tuple[str, ...]]:
    """The hash of a file's code, and the modules of ours that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12], tuple(imported)


def stale(run: Run) -> str:
    """Why a run's number is not what the same command would give now; empty where it is, or where nobody knows."""
    return other_data(run) or other_code(run)


def other_data(run: Run) -> str:
    """Says that the run's data set has changed; empty where it has not, or is not here."""
    name, then = run.config["task"]["name"], run.recorded.get("data")
    here = files.content(run.config["task"]) if then else None
    return f"the data set {name} has changed" if here and here != then else ""


def other_code(run: Run) -> str:
    """Says which of the code that made the run has changed since; empty where none has, or it was accepted as it is."""
    before = run.recorded
    then = before.get("code")
    if not then:
        return ""
    now = code(run.config)
    if before.get("accepted") == now:
        return ""
    changed = [module for module in now if then.get(module) != now[module]]
    return f"made by other code ({', '.join(changed)})" if changed else ""


def settle(run: Run, device: str) -> None:
    """Before a run is found done, or gone on with: is it what was asked for?

    With $SSL_STALE=anew one that is not is moved away; with $SSL_STALE=accept its code is taken as it is. Raises
    UserError where half a training cannot go on as it began, or where a number would be given for other data.
    """
    if not run.recorded:
        return
    begun = not run.done and next(run.folder.glob("*.pt"), None) is not None
    if not (begun or run.done):
        return
    never = other_data(run) or (begun and unlike(run, device))
    if settings.stale() == "anew":
        if never or other_code(run):
            put_away(run)
    elif never:
        raise UserError(f"run {run.id}: {never}: bring that back, or SSL_STALE=anew starts over")
    elif settings.stale() == "accept" and other_code(run):
        run.remember(accepted=code(run.config))


def unlike(run: Run, device: str) -> str:
    """Why a run's checkpoints cannot go on here; empty where they can."""
    kind, layout = str(run.recorded.get("device", device)).partition(":")[0], run.recorded.get("layout", VERSION)
    if layout < VERSION:
        return f"it was begun by an older version (commit {run.recorded.get('commit')})"
    if kind != device.partition(":")[0]:
        return f"it was begun on {kind}, and the random numbers of {device} are others"
    return ""


def put_away(run: Run) -> Path:
    """The run's folder goes to $SSL_RUNS/.stale; nothing is deleted."""
    target = run.folder.parent / ".stale" / f"{run.id}-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06d}"
    target.parent.mkdir(exist_ok=True)
    run.folder.rename(target)
    return target
