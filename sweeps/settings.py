"""Launch settings: sweeps/launch.yaml, a file of the user's own, the command line. Never part of a run's identity."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from benchmarks.arguments import nearest
from benchmarks.errors import UserError, one_line

FILE = Path(__file__).parent / "launch.yaml"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of one resource class; sweeps/launch.yaml explains each and is the home of its number."""

    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    hours: float
    memory_gb: float
    gpus: int
    cpus: int
    runs_per_gpu: int
    concurrency: int
    array_size: int
    signal_delay: int
    requeues: int
    disk_gb: float


NAMES = tuple(field.name for field in fields(Settings))
TEXTS = ("partition", "account", "qos", "constraint")
MAY_BE_ZERO = ("gpus", "requeues")


def is_setting(key: str) -> bool:
    """hours, or wrn28_2.hours."""
    return key.rpartition(".")[2] in NAMES


def settings(kind: str, file: str | None = None, given: Mapping[str, str] | None = None) -> Settings:
    """The settings of a resource class (a backbone). given: what the command line says. Raises UserError."""
    found: dict[str, Any] = {}
    for path in (FILE, Path(file)) if file else (FILE,):
        sections = _read(path)
        found |= sections.get("default", {}) | sections.get(kind, {})
    given = given or {}
    found |= {key: yaml.safe_load(value) for key, value in given.items() if "." not in key}
    prefix = f"{kind}."
    found |= {k.removeprefix(prefix): yaml.safe_load(v) for k, v in given.items() if k.startswith(prefix)}
    for key, value in found.items():
        if key in TEXTS:
            found[key] = None if value is None else str(value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < (key not in MAY_BE_ZERO) * 1e-9:
            raise UserError(f"{key}={value} is not a positive number")
        elif key not in ("hours", "memory_gb", "disk_gb") and value != int(value):
            raise UserError(f"{key}={value} is not a whole number")
    if found["hours"] * 3600 <= found["signal_delay"]:
        raise UserError(f"hours={found['hours']} leaves no time before the signal: lower signal_delay (seconds)")
    return Settings(**found)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        sections = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise UserError(f"cannot read settings={path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UserError(f"settings={path} is not YAML: {one_line(error)}") from error
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise UserError(f"settings={path}: write a section per resource class, as sweeps/launch.yaml does")
    for name in (name for section in sections.values() for name in section):
        if name not in NAMES:
            raise UserError(f'unknown setting "{name}" in {path}.{nearest(str(name), NAMES)}')
    return sections
