"""Data sets: annotation files to one dict per face."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base import BaseCocoStyleDataset as BaseCocoStyleDataset
    from .face import AFLWDataset as AFLWDataset
    from .face import CocoWholeBodyFaceDataset as CocoWholeBodyFaceDataset
    from .face import COFWDataset as COFWDataset
    from .face import Face300VWDataset as Face300VWDataset
    from .face import Face300WDataset as Face300WDataset
    from .face import Face300WLPDataset as Face300WLPDataset
    from .face import LapaDataset as LapaDataset
    from .face import WFLWDataset as WFLWDataset
    from .wholebody import HalpeDataset as HalpeDataset

__getattr__, __dir__ = lazy_names(__name__)
