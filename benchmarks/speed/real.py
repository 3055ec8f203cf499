"""A real run for as long as it fits:  make real  (needs `make data DATASETS=cifar10`)

FixMatch and Meta-T on CIFAR-10 with 250 labels, WRN-28-2, protocol meta_t, one seed: a trial of a few steps says how
many fit into minutes=10 each, then each is a run like any other (schedules are shares of the training), and `make real`
keeps its small files in reports/measured, marked with its share of the protocol's steps. Options: minutes=10 trial=50
methods=fixmatch,meta_t and any override; steps=N skips the trial. Nothing is chosen by the test set.
"""

import os
import signal
import sys
import tempfile
from unittest import mock

from benchmarks.config import compose
from benchmarks.errors import UserError, command
from benchmarks.machine import signals as stopping
from benchmarks.machine.settings import reports
from benchmarks.run import execute
from benchmarks.speed.options import parse

RUN = ("task=cifar10", "task.labels=250", "scale=paper", "protocol=meta_t", "seed=0")
SHARE = 0.9  #: of the time that training may take; the rest is for evaluations
ROUND = 100  #: steps


def fitting(overrides: list[str], minutes: float, trial: int) -> int:
    """How many steps fit: from the second half of a trial run, the first of which warms up."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, SSL_RUNS=folder):
        rows = execute(compose([*overrides, f"steps={2 * trial}", f"protocol.eval_every={trial}"])).rows()
    a_step = (rows[1]["seconds"] - rows[0]["seconds"]) / trial
    steps = int(SHARE * 60 * minutes / a_step)
    if steps < 1:
        raise UserError(f"no step fits into {minutes:g} minutes: one takes {a_step:.1f} s")
    return steps // ROUND * ROUND or steps


@command
def main(arguments: list[str]) -> int:
    options, rest = parse(arguments, rest=True, minutes=10.0, trial=50, methods="fixmatch,meta_t")
    stopping.listen(signal.SIGINT, *stopping.SIGNALS)
    ids = []
    for method in options["methods"].split(","):
        overrides = [*RUN, f"method={method}", *rest]
        if not any(override.startswith("steps=") for override in rest):
            overrides.append(f"steps={fitting(overrides, options['minutes'], options['trial'])}")
        print(
            f"python -m benchmarks.run {' '.join(overrides)}", flush=True
        )  # what goes on with it, should it be stopped
        run = execute(
            compose(overrides),
            lambda row: print(
                f"step {row['step']:>8,}   error {row['error']:6.2f} %   {row['seconds']:8.1f} s", flush=True
            ),
            stopping.asked,
        )
        ids.append(run.id)
    path = reports() / "real.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(" ".join(ids) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
