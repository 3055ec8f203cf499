"""Is a value possible? It must be of its default's kind, one of its constructor's choices, and what is said here."""

import sys
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from benchmarks.arguments import nearest
from benchmarks.config.signature import choices
from benchmarks.errors import UserError

MISSING = "???"  #: what a YAML file says of an option that the user has to give

LEAST = {  # of options of the run, the task and the protocol: whole numbers from there on
    "seed": 0,
    "steps": 1,
    "task.labels": 1,
    "task.validation": 0,
    "task.subset": 1,
    "task.size": 1,
    "task.imbalance.n1": 1,
    "task.imbalance.m1": 1,
    "protocol.batch": 1,
    "protocol.ratio": 1,
    "protocol.steps": 1,
    "protocol.eval_every": 1,
}
NAMES = {  # options of no constructor's own; a constructor says its choices in its signature, as `Literal`
    "engine": ("forward", "finite_difference", "higher"),
    "precision": ("float32", "bfloat16"),
    "task.labels": ("all",),
    "task.balance": ("equal", "proportional", "folds"),
    "protocol.report": ("last", "median_last_20", "best_on_validation", "best_on_test"),
}
FILES = {"task.labels": ".txt"}  # or the name of a file that ends so
OPTIONAL: dict[str, Any] = {  # null, or of the kind of these
    "task.subset": 200,
    "task.size": 32,
    "task.imbalance": {"n1": 1500, "m1": 3000, "gamma_l": 100.0, "gamma_u": 100.0},
}


def fit(value: Any, default: Any, key: str = "", names: tuple[Any, ...] = ()) -> Any:
    """A copy of `value` in which all is of the default's kind: 1 becomes 1.0 where the default is a fraction.

    names: the choices that the constructor declares, if `value` is one of its parameters. Raises UserError.
    """
    if value == MISSING:
        raise UserError(f"{key} has no value: add {key}=...")
    if key in OPTIONAL:
        default = None if value is None else OPTIONAL[key]
    if isinstance(default, dict) and isinstance(value, dict):
        for name in (*value, *default):
            inner = f"{key}.{name}" if key else str(name)
            if name not in default:
                raise unknown(inner, leaves(default, key))
            if name not in value:
                raise UserError(f"{inner} has no value: add {inner}=...")
        declared = choices(value["_target_"]) if isinstance(value.get("_target_"), str) else {}
        return {
            name: fit(part, default[name], f"{key}.{name}" if key else name, declared.get(name, ()))
            for name, part in value.items()
        }
    if isinstance(default, list) and isinstance(value, list):
        return [fit(part, default[0], key) for part in value] if default else deepcopy(value)
    wanted = _wanted(value, default, key, NAMES.get(key, names))
    if wanted:
        raise UserError(f"{key}={'null' if value is None else value} is not possible: it must be {wanted}")
    return float(value) if isinstance(default, float) else deepcopy(value)


def _wanted(value: Any, default: Any, key: str, names: tuple[Any, ...]) -> str:
    """What a single value should have been; empty where it is that."""
    if default is None or any(value == name and type(value) is type(name) for name in names):
        return ""
    if key in FILES and isinstance(value, str) and value.endswith(FILES[key]):
        return ""
    if key in LEAST:
        fine, kind = type(value) is int and value >= LEAST[key], f"a whole number of at least {LEAST[key]}"
    elif names:
        fine, kind = False, ""
    elif isinstance(default, bool):
        fine, kind = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fine, kind = type(value) is int, "a whole number"
    elif isinstance(default, float):
        fine, kind = type(value) in (int, float) and abs(value) <= sys.float_info.max, "a finite number"
    elif isinstance(default, str):
        fine, kind = isinstance(value, str) and value != "", "a name"
    else:
        fine, kind = False, "a list" if isinstance(default, list) else "a group of options"
    said = ["null" if name is None else str(name) for name in names]
    said += [f"the name of a {FILES[key]} file"] if key in FILES else []
    return "" if fine else " or ".join(part for part in (kind, *said) if part)


def unknown(key: str, known: Iterable[str]) -> UserError:
    return UserError(f'unknown option "{key}".{nearest(key, sorted(known))}')


def leaves(node: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of everything in `node` that is no group of options."""
    if not isinstance(node, dict):
        yield prefix
        return
    for key, value in node.items():
        yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
