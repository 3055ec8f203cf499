"""Launch settings: sweeps/launch.yaml, a file of the user's own, the command line. Never part of a run's identity."""

from collections.abc import Iterable, Mapping
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
    sbatch: dict[str, str | bool | None]
    hours: float
    memory_gb: float | None
    gpus: int
    cpus: int
    runs_per_gpu: int
    concurrency: int
    array_size: int
    signal_delay: int
    requeues: int
    submit_limit: int | None
    workers: int | None
    disk_gb: float


NAMES = tuple(field.name for field in fields(Settings))
TEXTS = ("partition", "account", "qos", "constraint")
MAY_BE_ZERO = ("gpus", "requeues")
MAY_BE_NULL = ("memory_gb", "submit_limit", "workers")
FRACTIONS = ("hours", "memory_gb", "disk_gb")
OURS = ("array", "output", "error", "open-mode", "signal", "requeue", "no-requeue")  #: of sbatch, and no setting


def is_setting(key: str) -> bool:
    """hours, wrn28_2.hours, sbatch.gres or wrn28_2.sbatch.gres."""
    return key.rpartition(".")[2] in NAMES or "sbatch" in key.split(".")[:-1]


def classes(given: Iterable[str]) -> set[str]:
    """The resource classes that keys of the command line name."""
    return {key.split(".")[0] for key in given if "." in key} - {"sbatch"}


def settings(kind: str, file: str | None = None, given: Mapping[str, str] | None = None) -> Settings:
    """The settings of a resource class (a backbone). given: what the command line says. Raises UserError."""
    found: dict[str, Any] = {}
    for path in (FILE, Path(file)) if file else (FILE,):
        sections = _read(path)
        for section in (sections.get("default", {}), sections.get(kind, {})):
            found |= section | {"sbatch": found.get("sbatch", {}) | (section.get("sbatch") or {})}
    for prefix in ("", f"{kind}."):
        for key, value in (given or {}).items():
            name = key.removeprefix(prefix)
            if not key.startswith(prefix) or "." in name.removeprefix("sbatch."):
                continue
            if name.startswith("sbatch."):
                found["sbatch"] |= {name.removeprefix("sbatch."): value}
            else:
                found[name] = yaml.safe_load(value)
    for key, value in found.items():
        found[key] = _checked(key, value)
    if found["hours"] * 3600 <= found["signal_delay"]:
        raise UserError(f"hours={found['hours']} leaves no time before the signal: lower signal_delay (seconds)")
    return Settings(**found)


def _checked(key: str, value: Any) -> Any:
    if key == "sbatch":
        if not isinstance(value, dict):
            raise UserError(f"{key}={value} is not possible: write an option and its value, e.g. sbatch.gres=gpu:1")
        found = {str(name).lstrip("-"): _flag(given) for name, given in value.items()}
        for name in found.keys() & set(OURS):
            raise UserError(f"sbatch.{name} cannot be given: runs are requeued and their logs are found by it")
        return found
    if key in TEXTS:
        return None if value is None else str(value)
    if value is None and key in MAY_BE_NULL:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < (key not in MAY_BE_ZERO) * 1e-9:
        raise UserError(f"{key}={value} is not a positive number")
    if key not in FRACTIONS and value != int(value):
        raise UserError(f"{key}={value} is not a whole number")
    return value


def _flag(value: Any) -> str | bool | None:
    """An option without a value is "true", and "null" leaves one away; any other text goes to sbatch as it is."""
    words: dict[str, bool | None] = {"true": True, "null": None, "none": None}
    return words.get(str(value).lower(), str(value))


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
