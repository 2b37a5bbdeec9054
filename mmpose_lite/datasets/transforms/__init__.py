"""Transforms: each reads and writes keys of one dict, listed in :mod:`.sample`."""

from .albumentation import Albumentation
from .bbox_transforms import GetBBoxCenterScale, RandomBBoxTransform, RandomHalfBody
from .color import PhotometricDistortion
from .converting import KeypointConverter
from .disturbing import DisturbBox
from .flip import RandomFlip
from .formatting import PackPoseInputs
from .loading import LoadImage
from .target import GenerateTarget
from .topdown_transforms import TopdownAffine

__all__ = [
    'Albumentation',
    'DisturbBox',
    'GenerateTarget',
    'GetBBoxCenterScale',
    'KeypointConverter',
    'LoadImage',
    'PackPoseInputs',
    'PhotometricDistortion',
    'RandomBBoxTransform',
    'RandomFlip',
    'RandomHalfBody',
    'TopdownAffine',
]
