"""Checking a data set before it is trained on: annotations, photographs, left and right."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .check import CheckReport, check_splits
    from .splits import Finding, Split, find_splits

__all__ = ['CheckReport', 'Finding', 'Split', 'check_splits', 'find_splits']

__getattr__, __dir__ = lazy_names(__name__)
