"""Files that are whole or not there, whatever happens meanwhile."""

import contextlib
import os
from pathlib import Path

from benchmarks.errors import UserError


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Temporary file, flush to disk, rename: a reader sees the old file or the new one. Raises UserError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error.strerror}. Free space there or set SSL_RUNS to another folder"
        ) from error


def flush(path: Path) -> None:
    """To the disk, also a directory's entries (where its file system knows such a thing)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
