"""A configuration -> the id of its run: a hash of values, not of how they are written or where the code lies."""

import hashlib
import json
from typing import Any

from omegaconf import DictConfig, OmegaConf


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain dictionaries, lists and numbers."""
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def run_id(cfg: DictConfig | dict[str, Any]) -> str:
    """12 hexadecimal digits of a hash over the whole resolved configuration; no option is left out.

    1 and 1.0 are one number, and `_target_` counts by the name of its class or function: a module may move.
    """
    content = plain(cfg) if isinstance(cfg, DictConfig) else cfg
    return hashlib.sha256(json.dumps(_canonical(content), sort_keys=True).encode()).hexdigest()[:12]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        content = {key: _canonical(part) for key, part in value.items()}
        if isinstance(target := value.get("_target_"), str):
            content["_target_"] = target.rpartition(".")[2]
        return content
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
