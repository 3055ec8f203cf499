"""What SLURM says of the runs that were submitted into this store, whoever did it. Works without accounting."""

import getpass
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.errors import UserError
from benchmarks.machine.settings import runs

FINISHED = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "NODE_FAIL")


class Task(NamedTuple):
    """A task of an array as SLURM or its record shows it."""

    id: str  #: 1234_5
    state: str  #: SLURM's word; empty where it has forgotten the task
    log: Path


def chunks(items: Sequence[Any], size: int) -> list[Any]:
    return [items[k : k + size] for k in range(0, len(items), size)]


def largest_array() -> int:
    """MaxArraySize bounds the index, not the number: one less is always right. Raises UserError without SLURM."""
    answer = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"), re.M)
    return max(1, int(answer[1]) - 1) if answer else 1000


def queued() -> int:
    """How many tasks this user has in the queue, of whatever store. Raises UserError without SLURM."""
    return len(ask("squeue", "-h", "-r", "-o", "%i", "-u", getpass.getuser()).split())


def records() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every submission into this store, oldest first."""
    for file in sorted(runs().absolute().glob(".jobs/*/record.json")):
        yield file.parent, json.loads(file.read_text())


def tasks(runs: Iterable[str]) -> dict[str, Task]:
    """run id -> the latest task that was submitted for it, with its state now."""
    wanted = set(runs)
    latest: dict[str, tuple[str, Path]] = {}
    for folder, record in records():
        for task, ids in record["tasks"].items():
            latest |= {run: (task, folder) for run in ids if run in wanted}
    states = _states({task.partition("_")[0] for task, _ in latest.values()})
    return {
        run: Task(task, states.get(task, ""), folder / f"{task}_0_log.err") for run, (task, folder) in latest.items()
    }


def active(task: Task) -> bool:
    """Is it still to run, or running?"""
    return task.state != "" and not task.state.startswith(FINISHED)


def _states(jobs: set[str]) -> dict[str, str]:
    """task -> state, from the controller, and from accounting (where there is one) what that has forgotten."""
    states: dict[str, str] = {}
    for some in chunks(sorted(jobs), 500):
        listed = ",".join(some)
        for command in (
            ("sacct", "-n", "-X", "-P", "-o", "JobID,State", "-j", listed),
            ("squeue", "-h", "-r", "--states=all", "-o", "%i|%T", "-j", listed),
        ):
            try:
                answer = ask(*command)
            except UserError:  # no SLURM, no accounting, or a job that is long forgotten
                continue
            states |= dict(line.split("|", 1) for line in answer.splitlines() if "|" in line and "[" not in line)
    return states


def cancel(ids: Sequence[str]) -> None:
    """Raises UserError with what scancel said."""
    for some in chunks(ids, 500):
        ask("scancel", *some)


def ask(*command: str) -> str:
    """What a command of SLURM's answers. Raises UserError."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    except FileNotFoundError as error:
        raise UserError(f"no SLURM here ({command[0]} is not on the PATH): use launcher=local") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"SLURM does not answer ({command[0]} took more than two minutes): try again") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())
        raise UserError(f"{command[0]}: {said}") from error
