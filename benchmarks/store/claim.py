"""One run, one process: a claim on a run's directory. Imports no torch.

A claim is a file claim.0001, claim.0002, ... in the run's directory, made by link(2), which is atomic on local and on
network file systems (NFS); no flock, no lease server. The highest number holds. Its owner touches it every BEAT
seconds. Who finds a claim takes the next number if the owner is dead:
- it has given the claim back, as it does when it fails or is asked to end;
- on this machine: its process is gone;
- elsewhere: the claim is not touched while the observer waits PATIENCE seconds by its own monotonic clock. So neither
  clocks that disagree nor one that jumps matter; PATIENCE exceeds the 60 s for which NFS may show old attributes.
An owner that finds a higher number (it was suspended for minutes, say) has lost the run and stops without writing.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.errors import Stopped, UserError
from benchmarks.machine import terminal
from benchmarks.machine.identity import began, identity

BEAT = 15.0
PATIENCE = 120.0


class Claimed(UserError):
    """Another process carries out this run, or has taken it over."""


def newest(folder: Path) -> Path | None:
    """The claim that holds, whether its owner lives or not."""
    return max((path for path in folder.glob("claim.*")), key=lambda path: int(path.suffix[1:]), default=None)


def owner(path: Path) -> dict[str, Any]:
    """Whose claim it is; raises FileNotFoundError."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def alive(found: dict[str, Any], path: Path) -> bool | None:
    """Does the owner live? None where only its heartbeat can tell. Raises FileNotFoundError."""
    if path.stat().st_mtime == 0:  # given back
        return False
    if found["machine"] == identity()["machine"]:
        return began(found["pid"]) == found["began"]
    return None


class Claim:
    """A context that holds `folder`. Raises Claimed where a living process has it, UserError where it is not writable,
    Stopped where `stop` says so while it waits to see whether the owner lives."""

    def __init__(
        self, folder: Path, stop: Callable[[], bool] = lambda: False, beat: float = BEAT, patience: float = PATIENCE
    ) -> None:
        self.folder, self.stop, self.beat, self.patience = folder, stop, beat, patience
        self.lost = False
        self.over = threading.Event()
        self.touched = time.monotonic()

    def __enter__(self) -> Self:
        while True:
            with suppress(FileNotFoundError):  # its owner has finished meanwhile
                last = newest(self.folder)
                if last and not self._dead(last):
                    found = owner(last)
                    raise Claimed(f"{found['host']}, process {found['pid']}, is at it since {found['since']}")
                self.path = self.folder / f"claim.{int(last.suffix[1:]) + 1 if last else 1:04d}"
                if self._take():
                    break
        for path in self.folder.glob("claim.*"):
            if path.name < self.path.name:
                path.unlink(missing_ok=True)
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.keeper.join()
        with suppress(OSError):
            os.utime(self.path, (0, 0))

    def check(self) -> None:
        """Raises Claimed where the run was taken over; costs nothing between two heartbeats."""
        if time.monotonic() - self.touched > 2 * self.beat:
            self._touch()
        if self.lost:
            raise Claimed(f"the claim {self.path} was taken over or deleted while this process slept")

    def _dead(self, path: Path) -> bool:
        living = alive(owner(path), path)
        seen, end = path.stat().st_mtime_ns, time.monotonic() + self.patience
        if living is None:
            found = owner(path)
            who = f"{found['host']}, process {found['pid']}"
            terminal.say(f"{who} was at it: waiting up to {self.patience:.0f} s to see whether it still lives")
        while living is None and time.monotonic() < end:
            time.sleep(min(1.0, self.beat))
            if self.stop():
                raise Stopped("stopped before the run began")
            living = True if path.stat().st_mtime_ns != seen else None
        return not living

    def _take(self) -> bool:
        """Make the claim with its content in one step: False where another was faster."""
        draft = self.folder / f".claim.{uuid.uuid4().hex}"
        try:
            draft.write_text(json.dumps(identity()))
            with suppress(OSError):  # NFS may lose the reply: the link count knows better
                os.link(draft, self.path)
            taken = draft.stat().st_nlink == 2
            if not taken and not self.path.exists():
                raise OSError(0, "no hard links there")
        except OSError as error:
            raise UserError(
                f"cannot claim {self.folder}: {error.strerror}. Set SSL_RUNS to a writable folder with free space"
            ) from error
        finally:
            with suppress(OSError):
                draft.unlink()
        self.touched = time.monotonic()
        return taken

    def _keep(self) -> None:
        while not self.over.wait(self.beat) and not self.lost:
            self._touch()

    def _touch(self) -> None:
        try:
            last = newest(self.folder)
            if last != self.path:
                self.lost = True
            elif not self.over.is_set():
                os.utime(self.path)
                self.touched = time.monotonic()
        except FileNotFoundError:
            self.lost = True
        except OSError:  # a file server that is away for a moment
            pass
