"""What a checkpoint costs:  python -m tests.saves [backbone ...]

One step of FixMatch for each backbone (on 32x32 noise, but for the tiny one), and then its checkpoint, twice. A line
each: bytes of the file, the seconds of processor time and of wall-clock time that the second saving takes, and the
latter's share of the default interval.
"""

import os
import sys
import tempfile
import time
from typing import Any

import numpy as np
import torch

from benchmarks.config import compose
from benchmarks.run import execute
from benchmarks.store import checkpoint
from benchmarks.store.run import Run

BACKBONES = ("tiny", "wrn28_2", "cnn13", "wrn28_8")
INTERVAL = 300  #: seconds, the default of SSL_CHECKPOINT


def main(backbones: list[str]) -> None:
    torch.set_num_threads(1)
    os.environ["SSL_DEVICE"] = "cpu"
    save = checkpoint.save

    def timed(run: Run, state: dict[str, Any], stage: int = 0) -> None:
        save(run, state, stage)  # the first has caches to fill
        start, cpu = time.monotonic(), time.process_time()
        save(run, state, stage)
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
        size = (run / checkpoint.name(stage)).stat().st_size
        print(
            f"{run.config['backbone']['name']}: bytes={size:,} cpu={cpu:.3f} seconds={seconds:.3f} "
            f"share={seconds / INTERVAL:.3%}",
            flush=True,
        )

    checkpoint.save = timed
    for name in backbones:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"SSL_RUNS": folder, "SSL_DATA": folder}
            x, y = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), np.uint8), np.arange(400) % 10
            np.savez(f"{folder}/noise.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
            task = ["task=digits"] if name == "tiny" else ["task=npz", "task.name=noise"]
            execute(compose(["scale=smoke", f"backbone={name}", "steps=1", *task]))


if __name__ == "__main__":
    main(sys.argv[1:] or list(BACKBONES))
