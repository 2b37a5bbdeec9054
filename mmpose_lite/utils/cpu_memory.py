"""Memory of a process that computes on the CPU."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Names of glibc's parameters, see mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4

# A free end of the heap of this size goes back to the system: larger ones make a run's peak as
# high as the sum of the peaks of its parts, smaller ones make it fault its pages in again.
_KEPT_BYTES = 2**28


@cache
def keep_freed_memory() -> bool:
    """Make the C library reuse freed memory instead of giving it back at once.

    glibc asks the system for every large block and returns it when it is freed. A network
    allocates its feature maps anew at each step, and would spend up to half of its time on the
    faults of their fresh pages. It is set once a process; those that are forked later inherit it.

    Returns:
        Whether it took effect: there is nothing to set in another C library than glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))


def peak_memory_mb() -> int | None:
    """The most memory that this process has had so far, MB; None where the system does not say."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == 'darwin' else 2**10)
