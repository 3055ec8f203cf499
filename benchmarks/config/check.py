"""Is a value possible? It must be of its default's kind, one of its constructor's choices, and what is said here."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from benchmarks.arguments import nearest
from benchmarks.config.signature import Range, bounds, choices
from benchmarks.errors import UserError

MISSING = "???"  #: what a YAML file says of an option that the user has to give

BOUNDS = {  # of options of no constructor's own; a constructor says its bounds in its signature (methods.options)
    "seed": Range(0, 2**63 - 1),
    "steps": Range(1),
    "task.labels": Range(1),
    "task.validation": Range(0),
    "task.subset": Range(1),
    "task.size": Range(1),
    "task.imbalance.n1": Range(1),
    "task.imbalance.m1": Range(1),
    "task.imbalance.gamma_l": Range(above=0),
    "task.imbalance.gamma_u": Range(above=0),
    "protocol.batch": Range(1),
    "protocol.ratio": Range(1),
    "protocol.steps": Range(1),
    "protocol.average": Range(0, below=1),
    "protocol.eval_every": Range(1),
}
OF_TORCH = {  # of torch's optimizers, whose signatures declare none
    "lr": Range(0),
    "momentum": Range(0, below=1),
    "dampening": Range(0, below=1),
    "weight_decay": Range(0),
    "betas": Range(0, below=1),
    "eps": Range(0),
}
NAMES = {  # options of no constructor's own; a constructor says its choices in its signature, as `Literal`
    "engine": ("forward", "finite_difference", "higher"),
    "precision": ("float32", "bfloat16"),
    "task.labels": ("all",),
    "task.balance": ("equal", "proportional", "folds"),
    "protocol.decayed": ("kernels", "all"),
    "protocol.report": ("last", "median_last_20", "best_on_validation", "best_on_test"),
}
FILES = {"task.labels": ".txt"}  # or the name of a file that ends so
OPTIONAL: dict[str, Any] = {  # null, or of the kind of these
    "task.subset": 200,
    "task.size": 32,
    "task.imbalance": {"n1": 1500, "m1": 3000, "gamma_l": 100.0, "gamma_u": 100.0},
}


def fit(value: Any, default: Any, key: str = "", names: tuple[Any, ...] = (), within: Range | None = None) -> Any:
    """A copy of `value` in which all is of the default's kind: 1 becomes 1.0 where the default is a fraction.

    names, within: the choices and the range that the constructor declares, if `value` is one of its parameters. Raises
    UserError.
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
        target = value.get("_target_")
        named, ranges = (choices(target), _ranges(target)) if isinstance(target, str) else ({}, {})
        return {
            name: fit(part, default[name], f"{key}.{name}" if key else name, named.get(name, ()), ranges.get(name))
            for name, part in value.items()
        }
    if isinstance(default, list) and isinstance(value, list):
        return [fit(part, default[0], key, (), within) for part in value] if default else deepcopy(value)
    wanted = _wanted(value, default, key, NAMES.get(key, names), BOUNDS.get(key, within))
    if wanted:
        raise UserError(f"{key}={'null' if value is None else value} is not possible: it must be {wanted}")
    return float(value) if isinstance(default, float) else deepcopy(value)


def _ranges(target: str) -> Mapping[str, Range]:
    return OF_TORCH if target.startswith("torch.optim.") else bounds(target)


def _wanted(value: Any, default: Any, key: str, names: tuple[Any, ...], within: Range | None) -> str:
    """What a single value should have been; empty where it is that."""
    if default is None or any(value == name and type(value) is type(name) for name in names):
        return ""
    if key in FILES and isinstance(value, str) and value.endswith(FILES[key]):
        return ""
    number = 0 if within and isinstance(default, str) else default  # task.labels may be "all"
    if isinstance(default, bool):
        fine, kind = isinstance(value, bool), "true or false"
    elif isinstance(number, int) and (within or not names):
        fine, kind = type(value) is int, "a whole number"
    elif isinstance(number, float):
        fine, kind = type(value) in (int, float) and abs(value) <= sys.float_info.max, "a finite number"
    elif isinstance(default, str) and not names:
        fine, kind = isinstance(value, str) and value != "", "a name"
    elif names:
        fine, kind = False, ""
    else:
        fine, kind = False, "a list" if isinstance(default, list) else "a group of options"
    if within and isinstance(number, int | float):
        fine, kind = fine and within.has(value), f"{kind} {within}"
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
