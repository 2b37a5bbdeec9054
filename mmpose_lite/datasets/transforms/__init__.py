"""Transforms: each reads and writes keys of one dict, a :class:`~.base.Sample`."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from ..samplers import sample_rng as sample_rng
    from .albumentation import Albumentation as Albumentation
    from .base import Sample as Sample
    from .base import Transform as Transform
    from .color_transforms import PhotometricDistortion as PhotometricDistortion
    from .color_transforms import YOLOXHSVRandomAug as YOLOXHSVRandomAug
    from .common_transforms import GenerateTarget as GenerateTarget
    from .common_transforms import GetBBoxCenterScale as GetBBoxCenterScale
    from .common_transforms import RandomBBoxTransform as RandomBBoxTransform
    from .common_transforms import RandomFlip as RandomFlip
    from .common_transforms import RandomHalfBody as RandomHalfBody
    from .converting import KeypointConverter as KeypointConverter
    from .formatting import PackPoseInputs as PackPoseInputs
    from .loading import LoadImage as LoadImage
    from .perturb_bbox import DisturbBox as DisturbBox
    from .perturb_bbox import ReplaceBox as ReplaceBox
    from .photograph import RandomPhotograph as RandomPhotograph
    from .topdown_transforms import TopdownAffine as TopdownAffine

__getattr__, __dir__ = lazy_names(__name__)
