"""Freed memory stays with the process, so that a step does not pay for the pages that the step before gave back."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
MIB = 1 << 20


def keep() -> None:
    """Tell glibc's malloc to reuse blocks of up to 32 MiB (its own upper bound) instead of unmapping them.

    By default a tensor of some megabytes is mapped and unmapped at every use: a Meta-T step on WRN-28-2 takes 460,000
    page faults, with this 36,000 (docs/performance.md). Numbers do not change. Elsewhere than on Linux: nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    mallopt(M_MMAP_THRESHOLD, 32 * MIB)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(M_TOP_PAD, 64 * MIB)
