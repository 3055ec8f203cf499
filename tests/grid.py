"""What the launcher costs for 10,000 runs:  python -m tests.grid

A dry run of 50 rows x 40 columns x 5 seeds, every configuration composed. The last line, on stderr, is
runs=N seconds=S cpu=C MiB=M.
"""

import sys
import time
from pathlib import Path

from sweeps import asked, launch
from sweeps.sweep import Sweep

COLUMNS = {f"digits/{n}": f"task=digits backbone=tiny task.labels={n}" for n in range(10, 410, 10)}
GRID = Sweep(
    caption="",
    rows={f"slope {k}": f"method=meta_t method.slope={k}" for k in range(1, 51)},
    columns=COLUMNS,
    demo=COLUMNS,
    seeds=5,
)


def main() -> int:
    asked.load = lambda name: GRID  # type: ignore[attr-defined]
    start, cpu = time.monotonic(), time.process_time()
    status = launch.main(["grid/grid", "scale=short", "launcher=slurm", "--dry-run"])
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])  # KiB of this process alone
    runs = len(asked.distinct("grid/grid", "short"))
    print(f"runs={runs} seconds={seconds:.1f} cpu={cpu:.1f} MiB={peak / 1024:.0f}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
