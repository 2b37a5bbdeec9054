"""The heap of a process: whether freed memory goes back to the system."""

from __future__ import annotations

import ctypes
from functools import cache

# Names of glibc's parameters, see mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4

# A free end of the heap of this size goes back to the system: larger ones make a run's peak as
# high as the sum of the peaks of its parts, smaller ones make it fault its pages in again.
_KEPT_BYTES = 2**28


@cache
def keep_freed_memory() -> bool:
    """Make the C library reuse freed memory instead of giving it back; False if it is not glibc.

    glibc asks the system for every large block and returns it when it is freed. A network
    allocates its feature maps anew at each step, and a renderer its pictures; either would spend up
    to half of its time on the faults of their fresh pages. It is set once a process; those that
    are forked later inherit it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
