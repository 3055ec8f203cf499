"""Keep finished runs in the repository, as evidence:  make freeze RUNS="8d28457d9686 ..."  (or RUNS="into=digits all")

The small files of each (config.yaml, env.json, metrics.jsonl, result.json) go from $SSL_RUNS to reports/measured/<id>/,
without the machine's paths and kernel, and README.md there lists what is kept, a line for the seeds of a configuration.
`all` are all finished runs of the store; into=NAME is a folder of reports/measured of that name, which `SSL_RUNS` may
name later, so that tables and figures are made of it. None of it stands in a paper's table: these are runs of other
lengths, each marked with its share of the protocol's steps.
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

from benchmarks.config import options, resolve
from benchmarks.errors import UserError, command
from benchmarks.machine.settings import runs
from reports.collect import read
from reports.compare import leaves
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
    if "platform" in environment:  # which kernel it was tells of a machine, and of no result
        environment["platform"] = environment["platform"].partition("-")[0]
    (target / "env.json").write_text(json.dumps(environment, indent=1) + "\n")
    return target


def line(folder: Path) -> dict[str, Any]:
    """What the list says of a kept run, by column."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    result, environment = (json.loads((folder / name).read_text()) for name in ("result.json", "env.json"))
    share, error = config["steps"] / config["protocol"]["steps"], result["error"]
    frozen = config["backbone"].get("frozen")
    return {
        "method": config["method"]["name"] + departures(config),
        "task": place(config["task"]),
        "network": config["backbone"]["name"] + (f", {frozen} layers frozen" if frozen else ""),
        "protocol": config["protocol"]["name"],
        "steps": f"{config['steps']:,} ({share:.2%} of {config['protocol']['steps']:,})",
        "device": environment["device"],
        "seed": config["seed"],
        "error % (last)": f"{read.number(error['last'], 100):.2f}",
        "error % (median of last 20)": f"{read.number(error['median_last_20'], 100):.2f}",
        "s": f"{result['seconds']:,.0f}",
        "commit": str(environment["commit"])[:7] + ("*" if environment["dirty"] else ""),
        "run": f"[{folder.name}]({folder.name})",
    }


def departures(config: dict[str, Any]) -> str:
    """What of a method's numbers is not its YAML's: ", tau=0.5"."""
    name = config["method"]["name"]
    known = name in options("method")
    usual = dict(leaves(resolve([f"scale={config['scale']}", f"method={name}"])["method"])) if known else {}
    own = {key: value for key, value in leaves(config["method"]) if usual.get(key, value) != value}
    return "".join(f", {key}={value}" for key, value in own.items())


def place(task: dict[str, Any]) -> str:
    """A task's name with its labels, or its tail."""
    tail = task.get("imbalance")
    labels = f"N1={tail['n1']} M1={tail['m1']} γ={tail['gamma_l']:g}" if tail else task["labels"]
    return f"{task['name']}/{labels}" + wording(task["augment"])


def wording(augment: dict[str, Any]) -> str:
    """What a task of texts is besides: their length, and strong views that are no paper's."""
    if "length" not in augment:
        return ""
    return f", {augment['keep']} {augment['length']} tokens" + (", words" if augment["strong"] == "words" else "")


def listing(measured: Path) -> str:
    """README.md of a folder of kept runs: a line for the seeds of one configuration."""
    lines = pd.DataFrame([line(path.parent) for path in sorted(measured.glob("*/config.yaml"))])
    same = ["task", "network", "protocol", "steps", "method", "device"]
    lines = lines.sort_values([*same, "seed"])
    joined = lines.astype(str).groupby(same, sort=False).agg("; ".join).reset_index()
    joined["commit"] = ["; ".join(dict.fromkeys(commits.split("; "))) for commits in joined["commit"]]
    columns = list(lines.columns)
    table = "\n".join(aligned(columns, joined[columns].to_numpy().tolist()))
    return f"""# Runs that were made

Shorter than the papers' by the share that stands beside their steps, so that none is a number of a paper's table. Each
folder holds the run's configuration, environment (device, versions, commit, command), evaluations and result;
`make freeze RUNS=...` adds one and writes this page. A star: the work tree differed from the commit.

{table}
"""


@command
def main(arguments: list[str]) -> int:
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("into=")]
    names = [argument for argument in arguments if not argument.startswith("into=")]
    if not names:
        raise UserError("which runs? e.g. python -m reports.freeze 8d28457d9686")
    if names == ["all"]:
        names = sorted(path.parent.name for path in runs().glob("*/result.json"))
    into = MEASURED / given[-1] if given else MEASURED
    for name in names:
        print(freeze(runs() / name, into))
    (into / "README.md").write_text(listing(into), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
