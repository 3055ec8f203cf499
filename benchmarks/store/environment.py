"""Where a run was made: the suite's commit, versions, the device, the command. What is not known is null."""

import os
import platform
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "numpy", "hydra-core")


@cache
def code_version() -> dict[str, Any]:
    """The suite's commit, and whether its code differs from it: files that were changed, added or are gone.

    Both are None where git does not answer: outside a checkout, or in somebody else's.
    """
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    changes = git("status", "--porcelain", "--untracked-files=all", "--", "benchmarks", "methods")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)}


def environment(device: str, threads: int, settings: dict[str, Any]) -> dict[str, Any]:
    """What env.json holds. settings: those of the launch that are in force, by name."""
    versions: dict[str, str | None] = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        **code_version(),
        "versions": versions,
        "platform": platform.platform(),
        "device": device,
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "command": sys.argv,
        "settings": settings,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
