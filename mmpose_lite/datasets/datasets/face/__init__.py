"""Data sets of faces."""

from .aflw_dataset import AFLWDataset

__all__ = ['AFLWDataset']
