"""Data sets: annotation files to one dict a face."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
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

__getattr__, __dir__ = lazy_names(__name__)
