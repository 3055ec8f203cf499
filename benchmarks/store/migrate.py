"""Runs of an older configuration schema under their new names:  python -m benchmarks.store.migrate [--apply]

Without --apply it only says what it would do. conf/schema.yaml says how the configuration has grown.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.config import run_id
from benchmarks.errors import UserError, command, one_line
from benchmarks.machine.settings import runs
from benchmarks.store import claim
from benchmarks.store.disk import write_atomically
from benchmarks.store.schema import changes, latest, upgrade


class Move(NamedTuple):
    """What becomes of one run directory."""

    folder: Path
    target: Path
    config: dict[str, Any]
    problem: str  #: why it stays as it is, or empty


def plan(store: Path) -> list[Move]:
    """Every run directory whose name its configuration no longer has, in order of name."""
    moves: list[Move] = []
    taken: dict[Path, str] = {}
    to = changes()
    for file in sorted(store.glob("*/config.yaml")):
        folder = file.parent
        try:
            config = yaml.safe_load(file.read_text())
            new = upgrade(config, _environment(folder).get("schema", 1), to)
        except (UserError, OSError, ValueError, KeyError, AttributeError, yaml.YAMLError) as error:
            moves.append(Move(folder, folder, {}, f"unreadable: {one_line(error)}"))
            continue
        target = store / run_id(new)
        if target != folder:
            problem = f"the same run as {taken[target]}" if target in taken else _problem(folder, target)
            moves.append(Move(folder, target, new, problem))
            taken.setdefault(target, folder.name)
    return moves


def carry_out(move: Move) -> None:
    """Rewrite and rename one directory; stopped half way, the next call finishes it. Raises UserError."""
    env = _environment(move.folder)
    former = dict.fromkeys([*env.get("formerly", []), move.folder.name])
    env |= {"schema": latest(), "formerly": list(former)}
    write_atomically(move.folder / "config.yaml", yaml.safe_dump(move.config, sort_keys=False).encode())
    write_atomically(move.folder / "env.json", (json.dumps(env) + "\n").encode())
    try:
        move.folder.rename(move.target)
    except OSError as error:
        raise UserError(f"cannot rename {move.folder} to {move.target.name}: {error.strerror}") from error


def _environment(folder: Path) -> dict[str, Any]:
    file = folder / "env.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _problem(folder: Path, target: Path) -> str:
    if target.exists():
        return f"{target.name} is there already"
    last = claim.newest(folder)
    if last and claim.alive(claim.owner(last), last) is not False:
        return "it is running"
    return ""


@command
def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--apply"]):
        raise UserError("say: python -m benchmarks.store.migrate [--apply]")
    moves = plan(runs())
    good = [move for move in moves if not move.problem]
    for move in moves:
        print(f"{move.folder.name} -> {move.target.name}" if not move.problem else f"{move.folder}: {move.problem}")
    if not arguments:
        print(f"schema {latest()}: {len(good)} runs to rename in {runs()}; --apply does it")
        return 0
    for move in good:
        carry_out(move)
    print(f"schema {latest()}: {len(good)} runs renamed in {runs()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
