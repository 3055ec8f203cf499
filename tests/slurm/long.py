"""30 short runs on a real SLURM under preemption and time limits:  python -m tests.slurm.long

20 of them are preempted by a higher partition until that has happened 20 times in all. 10 run into a limit of four
minutes, which is announced a minute before (or a minute and a half: the scheduler looks every 30 seconds): more than a
run takes to begin on a loaded machine, less than it takes in all. The last line is
preemptions=P timeouts=T runs=N lost=L twice=W differing=D; the exit status is 1 unless P >= 20, T >= 10, the rest 0.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from sweeps import asked, examine, slurm, status, submission
from sweeps.sweep import Cell, Sweep
from tests.outcomes import outcome
from tests.slurm.harness import cluster, evidence, in_peace, lacking, own_data, preempt, said, until

ROW = {"FixMatch": "method=fixmatch method._target_=tests.slurm.slow.Slow"}
CORES = 8  #: pretended ones: 4 tasks of either kind at a time, and runs that mostly sleep


def cells(n: int, steps: int, size: str) -> list[Cell]:
    size += f" protocol.eval_every=10 steps={steps}"
    columns = {f"own/{10 * k}": f"{size} task.labels={10 * k}" for k in range(1, n + 1)}
    return list(Sweep(caption="", rows=ROW, columns=columns, demo=columns, seeds=1).cells("smoke"))


def restarts(job: str) -> int:
    """How often the controller has put tasks of an array back into the queue."""
    shown = subprocess.run(["scontrol", "show", "job", "-o", job], capture_output=True, text=True).stdout
    return sum(map(int, re.findall(r" Restarts=(\d+)", shown)))


def main() -> int:
    if lacking():
        print(f"error: {lacking()}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    os.environ |= {"SSL_DEVICE": "cpu", "PYTHONPATH": str(Path.cwd()), "SSL_SLOW": "0.6", "LS_GRACE": "40"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, cluster(cpus=CORES):
        os.environ["SSL_RUNS"] = f"{folder}/runs"
        size = own_data(Path(folder, "data"))
        preempted, timed = cells(20, 50, size), cells(10, 300, size)
        common = ["scale=smoke", "memory_gb=0.5", "concurrency=4"]
        limits = ["hours=0.0667", "signal_delay=60", "partition=short"]
        submission.submit(timed, asked.order(["long/timed", *common, *limits]))
        submission.submit(preempted, asked.order(["long/preempted", *common, "hours=1"]))
        first, second = (next(iter(record["tasks"])).partition("_")[0] for _, record in slurm.records())
        every = [*preempted, *timed]

        def busy() -> bool:
            return any(slurm.active(task) for task in slurm.tasks(c.run.id for c in every if not c.run.done).values())

        while busy() and time.monotonic() - began < 3000:
            reports = examine.examine(preempted)
            if restarts(second) < 20 and sum(report.state == "running" for report in reports) >= 3:
                time.sleep(10)  # let them get somewhere
                others = min(4, sum(not cell.run.done for cell in timed))
                preempt(CORES - others)  # more would wait for the others' end, as nobody preempts these
            time.sleep(2)
            done = sum(cell.run.done for cell in every)
            print(
                f"{time.monotonic() - began:5.0f} s: {done} done, {restarts(second)} + {restarts(first)} requeues",
                flush=True,
            )
        until("the queue to be empty", lambda: not busy(), 60)
        reports = examine.examine(every)
        print(status.table(reports))
        lost = sum(not cell.run.done for cell in every)
        twice = sum(max(0, said(f"{cell.run.id} .*: done") - 1) for cell in every)
        if lost:
            print(evidence())
        os.environ["SSL_SLOW"] = "0"
        fought = {cell.run.id: outcome(cell.run) for cell in every if cell.run.done}
        differing = sum(fought[c.run.id] != in_peace(c.overrides, Path(folder, "peace")) for c in every if c.run.done)
        preemptions, timeouts = restarts(second), restarts(first)
    print(f"{time.monotonic() - began:.0f} s")
    print(
        f"preemptions={preemptions} timeouts={timeouts} runs={len(every)} "
        f"lost={lost} twice={twice} differing={differing}"
    )
    return 1 if lost or twice or differing or preemptions < 20 or timeouts < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
