"""Words for whoever watches. Printing never ends a training, be the pipe closed, the disk full or the terminal gone."""

import os
import sys
from contextlib import suppress


def say(text: str) -> None:
    """A line on the standard output, at once; where nobody can read it, nothing more is said."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):  # a broken pipe, a full disk; a file that was closed
        _be_silent()


def warn(text: str) -> None:
    """A line on the standard error, if anybody can read it."""
    with suppress(OSError, ValueError):
        print(f"warning: {text}", file=sys.stderr, flush=True)


def readable() -> None:
    """A character that the terminal does not know is replaced, instead of a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # whoever replaced the stream
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _be_silent() -> None:
    """Without this the interpreter would fail once more when it flushes the stream at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
