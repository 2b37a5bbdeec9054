"""MMPose's place of the transforms that are not for top-down models alone."""

from .albumentation import Albumentation
from .bbox_transforms import GetBBoxCenterScale, RandomBBoxTransform, RandomHalfBody
from .color import PhotometricDistortion
from .flip import RandomFlip
from .target import GenerateTarget

__all__ = [
    'Albumentation',
    'GenerateTarget',
    'GetBBoxCenterScale',
    'PhotometricDistortion',
    'RandomBBoxTransform',
    'RandomFlip',
    'RandomHalfBody',
]
