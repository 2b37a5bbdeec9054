"""The base of data sets."""

from .base_coco_style_dataset import BaseCocoStyleDataset as BaseCocoStyleDataset
