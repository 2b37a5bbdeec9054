"""Data sets: annotation files to one dict a face."""

from .base import BaseCocoStyleDataset
from .face import AFLWDataset

__all__ = ['AFLWDataset', 'BaseCocoStyleDataset']
