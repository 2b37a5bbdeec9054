"""Logged scalars as rows, one for each line of a training and each validation.

A row is what mmengine's ``LocalVisBackend`` writes on a line: those of training have an ``iter``,
those of validation have only a ``step``, the number of epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Row = TypeVar('Row', bound=Mapping[str, Any])


def kind_of(row: Mapping[str, Any]) -> str:
    """Return the mode of a row: its ``mode`` where it says it, else ``train`` or ``val``."""
    return row.get('mode', 'train' if 'iter' in row else 'val')


def before(rows: Sequence[Row], later: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows of a run up to where it was resumed: what follows was made again, and counts.

    Args:
        rows: Rows of the run that was interrupted, in their order.
        later: Rows of the run that resumed it; the first of each kind counts.

    Returns:
        The first rows, up to one of training or validation that the later run has again.
    """
    kept = list(rows)
    for kind, key in (('train', 'iter'), ('val', 'step')):
        first = next((row[key] for row in later if kind_of(row) == kind), 0)
        if first > 0:  # runs by iteration give all their validations the epoch 0
            places = ((i, row.get(key, 0)) for i, row in enumerate(kept) if kind_of(row) == kind)
            kept = kept[: next((i for i, place in places if place >= first), len(kept))]
    return kept
