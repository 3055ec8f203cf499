"""Keep finished runs in the repository, as evidence:  make freeze RUNS="8d28457d9686 ..."

The small files of each (config.yaml, env.json, metrics.jsonl, result.json) go from $SSL_RUNS to reports/measured/<id>/,
without the machine's paths, and reports/measured/README.md lists what is there. None of it stands in a paper's table:
these are runs of other lengths, each marked with its share of the protocol's steps.
"""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.errors import UserError, command
from benchmarks.machine.settings import runs
from reports.collect import read
from reports.table.markdown import aligned

MEASURED = Path(__file__).parent / "measured"
PACKAGES = ("benchmarks", "sweeps", "tests")


def typed(argv: Sequence[str]) -> str:
    """What was typed: ["/home/x/benchmarks/run.py", "seed=0"] -> "python -m benchmarks.run seed=0"."""
    parts = Path(argv[0]).with_suffix("").parts
    start = max((k for k, part in enumerate(parts) if part in PACKAGES), default=len(parts) - 1)
    return shlex.join(["python", "-m", ".".join(parts[start:]).removesuffix(".__main__"), *argv[1:]])


def freeze(folder: Path, into: Path) -> Path:
    """Copy a finished run's small files; the folder that they are in. Raises UserError where it is not finished."""
    if not (folder / "result.json").exists():
        raise UserError(f"{folder} holds no finished run: set SSL_RUNS, or finish it first")
    target = into / folder.name
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.yaml", "metrics.jsonl", "result.json"):
        shutil.copyfile(folder / name, target / name)
    environment = json.loads((folder / "env.json").read_text())
    if not isinstance(environment["command"], str):
        environment["command"] = typed(environment["command"])
    (target / "env.json").write_text(json.dumps(environment, indent=1) + "\n")
    return target


def line(folder: Path) -> dict[str, Any]:
    """What the list says of a kept run, by column."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    result, environment = (json.loads((folder / name).read_text()) for name in ("result.json", "env.json"))
    share, error = config["steps"] / config["protocol"]["steps"], result["error"]
    frozen = config["backbone"].get("frozen")
    lagged = ", lagged" if config["method"].get("update") == "lagged" else ""
    return {
        "method": config["method"]["name"] + lagged,
        "task": f"{config['task']['name']}/{config['task']['labels']}" + wording(config["task"]["augment"]),
        "network": config["backbone"]["name"] + (f", {frozen} layers frozen" if frozen else ""),
        "protocol": config["protocol"]["name"],
        "seed": config["seed"],
        "steps": f"{config['steps']:,} ({share:.2%} of {config['protocol']['steps']:,})",
        "error % (last)": f"{read.number(error['last'], 100):.2f}",
        "error % (median of last 20)": f"{read.number(error['median_last_20'], 100):.2f}",
        "s": f"{result['seconds']:,.0f}",
        "device": environment["device"],
        "commit": str(environment["commit"])[:7] + ("*" if environment["dirty"] else ""),
        "run": f"[{folder.name}]({folder.name})",
    }


def wording(augment: dict[str, Any]) -> str:
    """What a task of texts is besides: their length, and strong views that are no paper's."""
    if "length" not in augment:
        return ""
    return f", {augment['keep']} {augment['length']} tokens" + (", words" if augment["strong"] == "words" else "")


def listing(measured: Path) -> str:
    lines = [line(folder) for folder in sorted(measured.iterdir()) if folder.is_dir()]
    frame = pd.DataFrame(lines).sort_values(["task", "network", "steps", "seed", "method"])
    table = "\n".join(aligned(list(frame.columns), frame.astype(str).to_numpy().tolist()))
    return f"""# Runs that were made

Shorter than the papers' by the share that stands beside their steps, so that none is a number of a paper's table. Each
folder holds the run's configuration, environment (device, versions, commit, command), evaluations and result;
`make freeze RUNS=...` adds one and writes this page. A star: the work tree differed from the commit.

{table}
"""


@command
def main(arguments: list[str]) -> int:
    if not arguments:
        raise UserError("which runs? e.g. python -m reports.freeze 8d28457d9686")
    for name in arguments:
        print(freeze(runs() / name, MEASURED))
    (MEASURED / "README.md").write_text(listing(MEASURED), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
