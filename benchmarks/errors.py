"""What the user can put right. Entry points print the message as one line and exit with a non-zero status."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps


class UserError(Exception):
    """A fault in what the user asked for or supplied; the message names the fault and the remedy."""


class DataError(UserError, ValueError):
    """A data set that is missing or malformed."""


class Stopped(KeyboardInterrupt):
    """The run was asked to end and has written a checkpoint: the same command goes on from there."""


#: what torch and Python make of a number or a name that does not fit
FAULTS = (AssertionError, IndexError, RuntimeError, TypeError, ValueError)


def one_line(error: BaseException | str) -> str:
    """Its message without line breaks, or its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def blame(what: str, kinds: tuple[type[Exception], ...] = FAULTS) -> Iterator[None]:
    """Where user-chosen settings meet for the first time: a fault (of these kinds) is theirs. Raises UserError."""
    try:
        yield
    except kinds as error:
        raise UserError(f"{what}: {one_line(error)}") from error


def command(main: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """A program: --help prints its module's docstring, a UserError is one line and status 2.

    Where a reader like `head` has enough and closes the pipe it ends without a word, as other programs do.
    """

    @wraps(main)
    def program(arguments: list[str]) -> int:
        try:
            if {"-h", "--help"} & set(arguments):
                print(sys.modules[main.__module__].__doc__, flush=True)
                return 0
            status = main(arguments)
            sys.stdout.flush()
            return status
        except UserError as error:
            print(f"error: {one_line(error)}", file=sys.stderr)
            return 2
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to say goes nowhere
            return 128 + signal.SIGPIPE

    return program
