"""What data sets have in common."""

from .base_coco_style_dataset import BaseCocoStyleDataset

__all__ = ['BaseCocoStyleDataset']
