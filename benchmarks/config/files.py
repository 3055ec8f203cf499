"""The YAML files that configurations are made of, by group and name."""

from pathlib import Path

CONF = Path(__file__).parents[1] / "conf"
GROUPS = ("method", "task", "backbone", "protocol", "scale")


def options(group: str) -> list[str]:
    """The names that `group=` may take."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))
