"""Data sets of whole people, faces among them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .halpe_dataset import HalpeDataset as HalpeDataset

__getattr__, __dir__ = lazy_names(__name__)
