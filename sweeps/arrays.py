"""Runs grouped into job arrays, and handed to SLURM through submitit.

$SSL_RUNS/.jobs/<time>/ is a submission's folder: submitit's pickles and logs, and record.json, which says which
runs are in which task, so that `status` and the next `launch` know what is queued.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.errors import UserError, one_line
from benchmarks.machine.settings import data, runs
from benchmarks.store.disk import write_atomically
from sweeps.job import Job, Piece
from sweeps.names import slug
from sweeps.settings import Settings, classes, settings
from sweeps.slurm import chunks
from sweeps.sweep import Cell


@dataclass(frozen=True)
class Array:
    """One job array: tasks of one resource class, each with the runs that share its device."""

    kind: str
    settings: Settings
    tasks: list[list[Cell]]

    @property
    def hours(self) -> float:
        return self.settings.hours * len(self.tasks)


def arrays(cells: Iterable[Cell], file: str | None, given: Mapping[str, str], largest: int | None) -> list[Array]:
    """One array a resource class, or several where it would exceed `largest`, the scheduler's own bound.

    The arrays of a class share its `concurrency`. Raises UserError.
    """
    kinds: dict[str, list[Cell]] = {}
    for cell in cells:
        kinds.setdefault(cell.config["backbone"]["name"], []).append(cell)
    for kind in classes(given) - kinds.keys():
        raise UserError(f"{kind}: no run has this resource class; there are: {', '.join(kinds)}")
    found = []
    for kind, own in kinds.items():
        chosen = settings(kind, file, given)
        tasks = chunks(own, chosen.runs_per_gpu)
        parts = chunks(tasks, min(chosen.array_size, largest or chosen.array_size))
        share = replace(chosen, concurrency=max(1, chosen.concurrency // max(1, len(parts))))
        found += [Array(kind, share, part) for part in parts]
    return found


def fitting(found: list[Array], queued: int) -> list[Array]:
    """Their first tasks, as many as `submit_limit` leaves room for beside the `queued` ones of this user; all without.

    Where classes have different limits the least counts.
    """
    limits = [array.settings.submit_limit for array in found if array.settings.submit_limit is not None]
    room = max(0, min(limits) - queued) if limits else sum(len(array.tasks) for array in found)
    kept = []
    for array in found:
        kept.append(replace(array, tasks=array.tasks[:room]))
        room -= len(kept[-1].tasks)
    return [array for array in kept if array.tasks]


def submit(name: str, scale: str, array: Array) -> str:
    """Returns the array's job id. Raises UserError with what sbatch said."""
    import submitit  # here, because only submitting needs it

    folder = (
        runs().absolute() / ".jobs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}-{os.getpid()}"
    )
    jobs = [
        Job(
            [Piece(c.run.id, f"{c.row}, {c.column}, seed {c.seed}", c.overrides) for c in task],
            str(runs().absolute()),
            str(data().absolute()),
        )
        for task in array.tasks
    ]
    chosen = array.settings
    wanted: dict[str, Any] = {
        "job_name": f"{slug(name).replace('/', '-')}-{array.kind}",
        "partition": chosen.partition,
        "account": chosen.account,
        "qos": chosen.qos,
        "constraint": chosen.constraint,
        "time": max(1, round(60 * chosen.hours)),
        "mem": f"{max(1, round(1024 * chosen.memory_gb))}MB" if chosen.memory_gb is not None else None,
        "gpus_per_node": chosen.gpus or None,
        "cpus_per_task": chosen.cpus,
        "array_parallelism": chosen.concurrency,
        "signal_delay_s": chosen.signal_delay,
        "additional_parameters": {"requeue": True},
    }
    own = {key.replace("_", "-"): key for key in wanted}
    for option, value in chosen.sbatch.items():
        wanted.pop(own.get(option, ""), None)
        if value is not None:
            wanted["additional_parameters"][option] = value
    try:
        folder.mkdir(parents=True)
        executor = submitit.SlurmExecutor(folder, max_num_timeout=chosen.requeues)
        executor.update_parameters(**{key: value for key, value in wanted.items() if value is not None})
        executor.parameters["wckey"] = None  # submitit's own default, which some clusters refuse
        submitted = executor.submit_array(jobs)
    except (OSError, RuntimeError, submitit.core.utils.FailedJobError) as error:
        limited = "; submit_limit=N submits so many tasks at most" if "limit" in str(error).lower() else ""
        raise UserError(f"cannot submit: {one_line(error)}{limited}") from error
    record = {
        "sweep": name,
        "scale": scale,
        "kind": array.kind,
        "tasks": {job.job_id: [cell.run.id for cell in task] for job, task in zip(submitted, array.tasks, strict=True)},
    }
    write_atomically(folder / "record.json", (json.dumps(record) + "\n").encode())
    return submitted[0].job_id.partition("_")[0]
