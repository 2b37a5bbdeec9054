"""Curves of errors: how many faces are better than a limit, and by how much.

A face is one error, a fraction of its normaliser; all functions take ``(N,)`` errors of N faces.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def error_shares(errors: ndarray, limits: ndarray) -> ndarray:
    """The cumulative error distribution: the share of faces whose error is at most each limit.

    Args:
        errors: ``(N,)``.
        limits: ``(L,)``.

    Returns:
        ``(L,)``, from 0 to 1.
    """
    ranked = np.sort(np.asarray(errors, dtype=np.float64))
    return np.searchsorted(ranked, limits, side='right') / len(ranked)


def failures(errors: ndarray, limit: float) -> ndarray:
    """Which faces fail: 1.0 where the error is above the limit, else 0.0; the mean is the rate."""
    return (np.asarray(errors) > limit).astype(np.float64)


def areas(errors: ndarray, limit: float) -> ndarray:
    """What each face adds to the area under the curve of :func:`error_shares` up to a limit.

    The curve is a step function, of which a face with error e is 1 from e on; so its area up to
    the limit, over the limit, is ``max(0, limit - e) / limit``, and that of all faces is the mean:
    exactly, without a grid. It is 1 where all errors are 0, and 0 where none is below the limit.

    Args:
        errors: ``(N,)``.
        limit: Where the area ends; above 0.
    """
    return np.maximum(0.0, limit - np.asarray(errors, dtype=np.float64)) / limit
