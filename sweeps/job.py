"""What one task of a job array does: carry out its runs, and be requeued until they are done."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from submitit.helpers import DelayedSubmission

from benchmarks.machine import signals as stop
from sweeps import local


class Piece(NamedTuple):
    """One run in a job."""

    id: str
    label: str
    overrides: tuple[str, ...]


class RunsFailed(RuntimeError):
    """Some runs of a task failed; the others are done. Their error.txt says why."""


@dataclass
class Job:
    """Runs that share one task and its device. `checkpoint` is what submitit asks for when it requeues the task.

    SIGUSR2 (time limit; preemption, where the cluster is set up to send it): every run saves at its next step boundary,
    then submitit requeues the task. SIGTERM (scancel; preemption elsewhere): every run saves, and SLURM alone decides
    what becomes of the task. SIGKILL or a dead node: SLURM requeues, runs go on from their last periodic checkpoint.
    """

    pieces: Sequence[Piece]
    store: str  #: $SSL_RUNS, absolute
    data: str  #: $SSL_DATA, absolute: a task does not begin where it was submitted

    def __call__(self) -> dict[str, str]:
        """run id -> its outcome. Raises RunsFailed when the other runs are through."""
        requeue: Any = signal.getsignal(signal.SIGUSR2)  # submitit's handler
        stop.listen(*stop.SIGNALS, then=local.forward)
        os.environ |= {"SSL_RUNS": self.store, "SSL_DATA": self.data}
        outcomes: dict[str, str] = {}
        failed = []
        for piece, outcome in local.carry_out(self.pieces, len(self.pieces), len(self.pieces)):
            print(f"{piece.id} {piece.label}: {outcome.state} {outcome.reason}", flush=True)
            outcomes[piece.id] = outcome.state
            if outcome.state == "failed":
                failed.append(f"{piece.label} (run {piece.id}): {outcome.reason}")
        unfinished = len(outcomes) < len(self.pieces) or "stopped" in outcomes.values()
        if stop.asked() and unfinished:
            while signal.SIGUSR2 not in stop.received():  # the scheduler ends this task, or lets it go on later
                time.sleep(1)
            requeue(signal.SIGUSR2, None)
        if failed:
            raise RunsFailed("; ".join(failed))
        return outcomes

    def checkpoint(self) -> DelayedSubmission:
        return DelayedSubmission(self)
