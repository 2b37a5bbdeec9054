"""From uint8 crops, or the pixels to cut them from, to the input of a network."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .data_preprocessor import PoseDataPreprocessor as PoseDataPreprocessor
    from .device_crops import ResidentCrops as ResidentCrops
    from .device_crops import warp_crops as warp_crops
    from .device_crops import warp_photograph as warp_photograph

__getattr__, __dir__ = lazy_names(__name__)
