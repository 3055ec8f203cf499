"""Command-line overrides -> one resolved configuration -> the id of its run. Imports nothing heavy."""

import copy
import hashlib
import json
import math
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from benchmarks.errors import UserError, one_line

CONF = Path(__file__).parent / "conf"
GROUPS = ("method", "task", "backbone", "protocol", "scale")

# A value must be of its default's kind (number, name, list, ...). What that does not say:
WHOLE = {  # whole numbers, from which one up
    "seed": 0,
    "steps": 1,
    "task.labels": 1,
    "task.validation": 0,
    "task.subset": 1,
    "task.imbalance.n1": 1,
    "task.imbalance.m1": 1,
    "protocol.batch": 1,
    "protocol.ratio": 1,
    "protocol.steps": 1,
    "protocol.eval_every": 1,
}
NAMES = {
    "engine": ("forward", "finite_difference", "higher"),
    "precision": ("float32", "bfloat16"),
    "task.labels": ("all",),
    "task.balance": ("equal", "proportional", "folds"),
    "protocol.report": ("last", "median_last_20", "best_on_test"),
}
OPTIONAL: dict[str, Any] = {  # null, or of the kind of these
    "task.subset": 200,
    "task.imbalance": {"n1": 1500, "m1": 3000, "gamma_l": 100.0, "gamma_u": 100.0},
}

# ${at_scale:demo,10,100} in a YAML file is 10 at scale=demo and 100 at any other scale.
OmegaConf.register_new_resolver(
    "at_scale", lambda scale, there, elsewhere, *, _root_: there if _root_.scale == scale else elsewhere, replace=True
)


def options(group: str) -> list[str]:
    """The names that `group=` may take."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def nearest(name: str, known: Sequence[str]) -> str:
    """' Did you mean "x"?' or the short names there are, for the end of an error message."""
    close = get_close_matches(name, known, n=1)
    return f' Did you mean "{close[0]}"?' if close else f" Known: {', '.join(k for k in known if '.' not in k)}."


def compose(overrides: Sequence[str] = ()) -> DictConfig:
    """The configuration of one run, all interpolations resolved. Raises UserError in one line for a bad override."""
    parsed = [_parse(override) for override in overrides]
    chosen = _choose(tuple(o.input_line for o in parsed if o.key_or_group in GROUPS))
    cfg = copy.deepcopy(chosen)
    for override in parsed:
        key = override.key_or_group
        if key not in GROUPS:
            try:
                OmegaConf.update(cfg, key, override.value(), merge=True)
            except (ConfigAttributeError, ConfigKeyError) as error:
                raise _unknown(key, {*GROUPS, *_leaves(plain(chosen))}) from error
    try:
        OmegaConf.resolve(cfg)
    except OmegaConfBaseException as error:
        raise UserError(one_line(error)) from error
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise UserError(f"{missing[0]} has no value: add {missing[0]}=...")
    check(plain(cfg), plain(chosen))
    return cfg


def _parse(text: str) -> Override:
    try:
        override = OverridesParser.create().parse_override(text)
        if override.package:
            raise HydraException("no run moves a group to another place")
    except HydraException as error:
        raise UserError(f'cannot read the override "{text}": write key=value, e.g. task.labels=40') from error
    if override.type is not OverrideType.CHANGE:
        raise UserError(f'"{text}": options are neither added nor taken away; write key=value')
    if override.is_sweep_override():
        raise UserError(f'"{text}": a run has one value of each option; a list is written key=[1,2]')
    return override


@cache
def _choose(choices: tuple[str, ...]) -> DictConfig:
    """The configuration of these `group=name`, before its interpolations are resolved. Not to be changed."""
    if not GlobalHydra.instance().is_initialized():
        initialize_config_dir(str(CONF.resolve()), version_base="1.3")
    for choice in choices:
        group, _, name = choice.partition("=")
        if name not in options(group):
            raise UserError(f'unknown {group} "{name}".{nearest(name, options(group))}')
    try:
        return hydra_compose("config", list(choices))
    except HydraException as error:
        raise UserError(one_line(error)) from error


def check(value: Any, default: Any, key: str = "") -> None:
    """Raises UserError unless `value` and all in it are of the default's kind, and as WHOLE and NAMES say."""
    if key in OPTIONAL:
        default = None if value is None else OPTIONAL[key]
    if isinstance(default, dict) and isinstance(value, dict):
        for name in [*default, *value]:
            inner = f"{key}.{name}" if key else str(name)
            if name not in default:
                raise _unknown(inner, _leaves(default, key))
            if name not in value:
                raise UserError(f"{inner} has no value: add {inner}=...")
            check(value[name], default[name], inner)
    elif isinstance(default, list) and isinstance(value, list):
        for part in value if default else ():
            check(part, default[0], key)
    else:
        wanted = _wanted(value, default, key)
        if wanted:
            raise UserError(f"{key}={'null' if value is None else value} is not possible: it must be {wanted}")


def _wanted(value: Any, default: Any, key: str) -> str:
    """What a single value should have been; empty where it is that."""
    names = NAMES.get(key, ())
    if default is None or (isinstance(value, str) and value in names):
        return ""
    if key in WHOLE:
        fine, kind = type(value) is int and value >= WHOLE[key], f"a whole number of at least {WHOLE[key]}"
    elif names:
        fine, kind = False, ""
    elif isinstance(default, bool):
        fine, kind = isinstance(value, bool), "true or false"
    elif isinstance(default, int | float):
        fine, kind = type(value) in (int, float) and math.isfinite(value), "a finite number"
    elif isinstance(default, str):
        fine, kind = isinstance(value, str) and value != "", "a name"
    else:
        fine, kind = False, "a list" if isinstance(default, list) else "a group of options"
    return "" if fine else " or ".join(part for part in (kind, *names) if part)


def _unknown(key: str, known: set[str]) -> UserError:
    return UserError(f'unknown option "{key}".{nearest(key, sorted(known))}')


def _leaves(node: Any, prefix: str = "") -> set[str]:
    """The dotted keys of everything in `node` that is no group of options."""
    if not isinstance(node, dict):
        return {prefix}
    return set().union(*(_leaves(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in node.items()))


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain dictionaries, lists and numbers."""
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def run_id(cfg: DictConfig | dict[str, Any]) -> str:
    """12 hexadecimal digits of a hash over the whole resolved configuration; nothing is left out."""
    content = plain(cfg) if isinstance(cfg, DictConfig) else cfg
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
