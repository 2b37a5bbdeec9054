"""Checking a data set before it is trained on: annotations, photographs, left and right."""

from .check import CheckReport, check_splits
from .splits import Finding, Split, find_splits

__all__ = ['CheckReport', 'Finding', 'Split', 'check_splits', 'find_splits']
