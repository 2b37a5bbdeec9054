"""Bringing what all ranks have together, over the process group alone, never by a pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Any

from mmpose_lite.utils.collectives import gather_bytes

_MISSING = object()


def gather_rows(rows: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Gather the rows of all ranks in the data's order; every rank gets all of them.

    Args:
        rows: This rank's rows, plain data that JSON can hold. Rank r has the samples r, r + R, ...
            of R ranks, as the sampler deals them.
        size: The number of samples; what a sampler padded beyond it is cut off.

    Raises:
        RuntimeError: If there are fewer rows than samples.
    """
    return in_order(gather_plain(rows), size)


def in_order(parts: Sequence[Sequence[Any]], size: int) -> list[Any]:
    """Put the samples of all ranks, dealt in turn, into the data's order; see above."""
    dealt = chain.from_iterable(zip_longest(*parts, fillvalue=_MISSING))
    rows = [row for row in dealt if row is not _MISSING]
    if len(rows) < size:
        raise RuntimeError(f'{size} samples were to be evaluated, only {len(rows)} have a row')
    return rows[:size]


def gather_plain(value: Any, default: Callable[[Any], Any] | None = None) -> list[Any]:
    """Gather a value of every rank, in the order of the ranks; every rank gets all.

    Args:
        value: Plain data that JSON can hold.
        default: Makes plain data of what it cannot; see :func:`json.dumps`.
    """
    content = json.dumps(value, default=default).encode()
    return [json.loads(part) for part in gather_bytes(content)]
