"""Command-line overrides -> one resolved configuration -> the id of its run. Imports nothing heavy."""

import hashlib
import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmarks.errors import UserError

CONF = Path(__file__).parent / "conf"
GROUPS = ("method", "task", "backbone", "protocol", "scale")

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
    if not GlobalHydra.instance().is_initialized():
        initialize_config_dir(str(CONF.resolve()), version_base="1.3")
    try:
        for override in overrides:
            if override.startswith(("+", "~")):
                raise UserError(f'"{override}": options are neither added nor taken away; write key=value')
        cfg = hydra_compose("config", list(overrides))
        OmegaConf.resolve(cfg)
        missing = sorted(OmegaConf.missing_keys(cfg))
        if missing:
            raise UserError(f"{missing[0]} has no value: add {missing[0]}=...")
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explain(error, overrides)) from error
    return cfg


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f'unknown {group} "{name}".{nearest(name, options(group))}'
    known = _keys()
    for override in overrides:
        try:
            parsed = OverridesParser.create().parse_override(override)
        except HydraException:
            return f'cannot read the override "{override}": write key=value, e.g. task.labels=40'
        key = parsed.key_or_group
        root = key.split(".")[0]
        if (root in GROUPS and "." not in key) or key in known or f"{root}.*" in known:
            continue
        return f'unknown option "{key}".{nearest(key, sorted(known))}'
    wrong = re.search(r"full_key: (\S+)", str(error))
    if wrong:
        leaves = sorted(known | _keys(tuple(overrides)))
        return f'unknown option "{wrong[1]}".{nearest(wrong[1], leaves)}'
    return " ".join(str(error).split())


@cache
def _keys(overrides: tuple[str, ...] = ()) -> set[str]:
    """Every key of the default configuration, or of the group choices among `overrides`, dotted."""
    choices = [o for o in overrides if o.split("=")[0] in GROUPS]

    def walk(node: Any, prefix: str) -> set[str]:
        if not isinstance(node, dict):
            return {prefix}
        return set().union(*(walk(v, f"{prefix}.{k}" if prefix else str(k)) for k, v in node.items()))

    try:
        cfg = OmegaConf.to_container(hydra_compose("config", choices), resolve=False)
    except HydraException:
        return set()
    return walk(cfg, "") - {""}


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain dictionaries, lists and numbers."""
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def run_id(cfg: DictConfig | dict[str, Any]) -> str:
    """12 hexadecimal digits of a hash over the whole resolved configuration; nothing is left out."""
    content = plain(cfg) if isinstance(cfg, DictConfig) else cfg
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
