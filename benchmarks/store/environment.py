"""Where a run was made: the suite's commit, versions, the device, the command."""

import os
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


@cache
def code_version() -> dict[str, Any]:
    """The suite's commit and whether the work tree differs from it; None outside a git checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            return subprocess.run(
                ["git", *arguments], cwd=here, capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None

    return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}


def environment(device: str, threads: int) -> dict[str, Any]:
    """What env.json holds."""
    names = ("torch", "torchvision", "numpy", "hydra-core")
    return {
        **code_version(),
        "versions": {"python": sys.version.split()[0]} | {name: version(name) for name in names},
        "device": device,
        "threads": threads,
        "command": sys.argv,
        "settings": {name: os.environ[name] for name in ("SSL_COMPILE", "SSL_GRAPH") if name in os.environ},
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
