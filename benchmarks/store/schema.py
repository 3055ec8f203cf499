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
        if change["schema"] <= schema or any(_get(new, k) != v for k, v in change.get("where", {}).items()):
            continue
        for key, value in change.get("add", {}).items():
            parent, leaf = _parent(new, key)
            parent.setdefault(leaf, value)
        for old, key in change.get("move", {}).items():
            (before, was), (parent, leaf) = _parent(new, old), _parent(new, key)
            if was in before:
                parent[leaf] = before.pop(was)
        for key in change.get("drop", []):
            parent, leaf = _parent(new, key)
            parent.pop(leaf, None)
    return new


@cache
def latest() -> int:
    """The configuration schema of this version: the last entry of conf/schema.yaml."""
    return max((change["schema"] for change in changes()), default=1)


def _get(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _parent(config: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    *path, leaf = key.split(".")
    for part in path:
        config = config[part]
    return config, leaf
