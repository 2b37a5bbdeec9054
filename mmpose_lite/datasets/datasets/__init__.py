"""Data sets: annotation files to one dict a face."""

from .base import BaseCocoStyleDataset
from .face import (
    AFLWDataset,
    CocoWholeBodyFaceDataset,
    COFWDataset,
    Face300WDataset,
    Face300WLPDataset,
    LapaDataset,
    WFLWDataset,
)

__all__ = [
    'AFLWDataset',
    'BaseCocoStyleDataset',
    'COFWDataset',
    'CocoWholeBodyFaceDataset',
    'Face300WDataset',
    'Face300WLPDataset',
    'LapaDataset',
    'WFLWDataset',
]
