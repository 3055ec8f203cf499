"""What the user can put right. Entry points print the message as one line and exit with a non-zero status."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A fault in what the user asked for or supplied; the message names the fault and the remedy."""


class DataError(UserError, ValueError):
    """A data set that is missing or malformed."""


class Stopped(KeyboardInterrupt):
    """The run was asked to end and has written a checkpoint: the same command goes on from there."""


@contextmanager
def blame(what: str) -> Iterator[None]:
    """Where user-chosen settings meet for the first time: a fault in here is theirs. Raises UserError."""
    try:
        yield
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{what}: {' '.join(str(error).split())}") from error
