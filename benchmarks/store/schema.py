"""How the configuration has grown, by conf/schema.yaml: a run that was made under an older schema is found again."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from benchmarks.config import CONF


def changes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CONF / "schema.yaml").read_text())["changes"]
    return sorted(found, key=lambda change: change["schema"])


def upgrade(config: Mapping[str, Any], schema: int, to: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A configuration made under `schema` as the latest schema writes it; done twice, it changes nothing more.

    Raises KeyError where a parent of a new option is not there.
    """
    new = deepcopy(dict(config))
    for change in to:
        if change["schema"] <= schema or not _fits(new, change.get("where", {})):
            continue
        for key, value in change.get("add", {}).items():
            parent, leaf = _parent(new, key)
            parent.setdefault(leaf, value)
        for key, value in change.get("set", {}).items():
            parent, leaf = _parent(new, key)
            parent[leaf] = value
        for old, key in change.get("move", {}).items():
            (before, was), (parent, leaf) = _parent(new, old), _parent(new, key)
            if was in before:
                parent[leaf] = before.pop(was)
        for key in change.get("drop", []):
            parent, leaf = _parent(new, key)
            parent.pop(leaf, None)
        _rename(new, change.get("modules", {}))
    return new


@cache
def latest() -> int:
    """The configuration schema of this version: the last entry of conf/schema.yaml."""
    return max((change["schema"] for change in changes()), default=1)


def _fits(config: dict[str, Any], where: Mapping[str, Any]) -> bool:
    """Has it these values? A list in `where` is one value out of several."""
    return all(_get(config, key) in (value if isinstance(value, list) else [value]) for key, value in where.items())


def _rename(node: Any, modules: Mapping[str, str]) -> None:
    """Every `_target_` in `node`, whose module lies elsewhere now."""
    if isinstance(node, dict):
        module, _, name = str(node.get("_target_", "")).rpartition(".")
        if module in modules:
            node["_target_"] = f"{modules[module]}.{name}"
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _rename(part, modules)


def _get(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _parent(config: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    *path, leaf = key.split(".")
    for part in path:
        config = config[part]
    return config, leaf
