"""Job arrays on SLURM through submitit: grouping, submitting, asking and cancelling. Works without accounting.

$SSL_RUNS/.jobs/<time>/ is a submission's folder: submitit's pickles and logs, and record.json, which says which
runs are in which task, so that `status` and the next `launch` know what is queued, whoever submitted it.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.errors import UserError
from benchmarks.store import root, write_atomically
from sweeps.job import Job, Piece
from sweeps.settings import Settings, settings
from sweeps.sweep import Cell

FINISHED = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "NODE_FAIL")


@dataclass(frozen=True)
class Array:
    """One job array: tasks of one resource class, each with the runs that share its device."""

    kind: str
    settings: Settings
    tasks: list[list[Cell]]

    @property
    def hours(self) -> float:
        return self.settings.hours * len(self.tasks)


class Task(NamedTuple):
    """A task of an array as SLURM or its record shows it."""

    id: str  #: 1234_5
    state: str  #: SLURM's word; empty where it has forgotten the task
    log: Path


def arrays(cells: Iterable[Cell], file: str | None, given: Mapping[str, str], largest: int | None) -> list[Array]:
    """One array a resource class, or several where it would exceed `largest`, the scheduler's own bound.

    The arrays of a class share its `concurrency`. Raises UserError.
    """
    kinds: dict[str, list[Cell]] = {}
    for cell in cells:
        kinds.setdefault(cell.config["backbone"]["name"], []).append(cell)
    for key in given:
        if "." in key and key.split(".")[0] not in kinds:
            raise UserError(f"{key}: no run has this resource class; there are: {', '.join(kinds)}")
    found = []
    for kind, own in kinds.items():
        chosen = settings(kind, file, given)
        tasks = _chunks(own, chosen.runs_per_gpu)
        parts = _chunks(tasks, min(chosen.array_size, largest or chosen.array_size))
        share = replace(chosen, concurrency=max(1, chosen.concurrency // max(1, len(parts))))
        found += [Array(kind, share, part) for part in parts]
    return found


def _chunks(items: Sequence[Any], size: int) -> list[Any]:
    return [items[k : k + size] for k in range(0, len(items), size)]


def largest_array() -> int:
    """MaxArraySize bounds the index, not the number: one less is always right. Raises UserError without SLURM."""
    answer = re.search(r"^MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config"), re.M)
    return max(1, int(answer[1]) - 1) if answer else 1000


def submit(name: str, scale: str, array: Array) -> str:
    """Returns the array's job id. Raises UserError with what sbatch said."""
    import submitit  # here, because only submitting needs it

    folder = (
        root().absolute() / ".jobs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}-{os.getpid()}"
    )
    data = os.environ.get("SSL_DATA")
    jobs = [
        Job(
            [Piece(c.run.id, f"{c.row}, {c.column}, seed {c.seed}", c.overrides) for c in task],
            str(root().absolute()),
            str(Path(data).absolute()) if data else "",
        )
        for task in array.tasks
    ]
    chosen = array.settings
    wanted = {
        "job_name": f"{name.replace('/', '-')}-{array.kind}",
        "partition": chosen.partition,
        "account": chosen.account,
        "qos": chosen.qos,
        "constraint": chosen.constraint,
        "time": max(1, round(60 * chosen.hours)),
        "mem": f"{max(1, round(1024 * chosen.memory_gb))}MB",
        "gpus_per_node": chosen.gpus or None,
        "cpus_per_task": chosen.cpus,
        "array_parallelism": chosen.concurrency,
        "signal_delay_s": chosen.signal_delay,
        "additional_parameters": {"requeue": True},
    }
    try:
        folder.mkdir(parents=True)
        executor = submitit.SlurmExecutor(folder, max_num_timeout=chosen.requeues)
        executor.update_parameters(**{key: value for key, value in wanted.items() if value is not None})
        submitted = executor.submit_array(jobs)
    except (OSError, RuntimeError, submitit.core.utils.FailedJobError) as error:
        raise UserError(f"cannot submit: {' '.join(str(error).split())}") from error
    record = {
        "sweep": name,
        "scale": scale,
        "kind": array.kind,
        "tasks": {job.job_id: [cell.run.id for cell in task] for job, task in zip(submitted, array.tasks, strict=True)},
    }
    write_atomically(folder / "record.json", (json.dumps(record) + "\n").encode())
    return submitted[0].job_id.partition("_")[0]


def records() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every submission into this store, oldest first."""
    for file in sorted(root().absolute().glob(".jobs/*/record.json")):
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
    for some in _chunks(sorted(jobs), 500):
        listed = ",".join(some)
        for command in (
            ("sacct", "-n", "-X", "-P", "-o", "JobID,State", "-j", listed),
            ("squeue", "-h", "-r", "--states=all", "-o", "%i|%T", "-j", listed),
        ):
            try:
                answer = _ask(*command)
            except UserError:  # no SLURM, no accounting, or a job that is long forgotten
                continue
            states |= dict(line.split("|", 1) for line in answer.splitlines() if "|" in line and "[" not in line)
    return states


def cancel(ids: Sequence[str]) -> None:
    """Raises UserError with what scancel said."""
    for some in _chunks(ids, 500):
        _ask("scancel", *some)


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    except FileNotFoundError as error:
        raise UserError(f"no SLURM here ({command[0]} is not on the PATH): use launcher=local") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"SLURM does not answer ({command[0]} took more than two minutes): try again") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())
        raise UserError(f"{command[0]}: {said}") from error
