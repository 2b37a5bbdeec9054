"""Transforms: each reads and writes keys of one dict, a :class:`~.base.Sample`."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from ..samplers import sample_rng
    from .albumentation import Albumentation
    from .base import Sample, Transform
    from .common_transforms import (
        GenerateTarget,
        GetBBoxCenterScale,
        PhotometricDistortion,
        RandomBBoxTransform,
        RandomFlip,
        RandomHalfBody,
    )
    from .converting import KeypointConverter
    from .formatting import PackPoseInputs
    from .loading import LoadImage
    from .perturb_bbox import DisturbBox
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
    'Sample',
    'TopdownAffine',
    'Transform',
    'sample_rng',
]

__getattr__, __dir__ = lazy_names(__name__)
