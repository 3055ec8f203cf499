"""The YAML files that configurations are made of, by group and name."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

CONF = Path(__file__).parents[1] / "conf"
GROUPS = ("method", "task", "backbone", "protocol", "scale")


def options(group: str) -> list[str]:
    """The names that `group=` may take."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@cache
def sizes(conf: Path) -> dict[str, int]:
    """What conf/sizes.yaml says: data set -> training inputs."""
    return dict(yaml.safe_load((conf / "sizes.yaml").read_text()))


@cache
def shorter(conf: Path, scale: str) -> dict[str, Any]:
    """What conf/shorter.yaml says of a scale: key -> value."""
    path = conf / "shorter.yaml"
    sections = yaml.safe_load(path.read_text()) if path.exists() else {}
    return dict(sections.get(scale) or {})
