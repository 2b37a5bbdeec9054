"""The data path: annotation files to batches of crops."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .builder import build_dataset
    from .dataset_wrappers import CombinedDataset
    from .datasets import (
        AFLWDataset,
        BaseCocoStyleDataset,
        CocoWholeBodyFaceDataset,
        COFWDataset,
        Face300WDataset,
        Face300WLPDataset,
        LapaDataset,
        WFLWDataset,
    )
    from .samplers import DefaultSampler, InfiniteSampler
    from .transforms import (
        Albumentation,
        DisturbBox,
        GenerateTarget,
        GetBBoxCenterScale,
        KeypointConverter,
        LoadImage,
        PackPoseInputs,
        PhotometricDistortion,
        RandomBBoxTransform,
        RandomFlip,
        RandomHalfBody,
        TopdownAffine,
    )

__all__ = [
    'AFLWDataset',
    'Albumentation',
    'BaseCocoStyleDataset',
    'COFWDataset',
    'CocoWholeBodyFaceDataset',
    'CombinedDataset',
    'DefaultSampler',
    'DisturbBox',
    'Face300WDataset',
    'Face300WLPDataset',
    'GenerateTarget',
    'GetBBoxCenterScale',
    'InfiniteSampler',
    'KeypointConverter',
    'LapaDataset',
    'LoadImage',
    'PackPoseInputs',
    'PhotometricDistortion',
    'RandomBBoxTransform',
    'RandomFlip',
    'RandomHalfBody',
    'TopdownAffine',
    'WFLWDataset',
    'build_dataset',
]

__getattr__, __dir__ = lazy_names(__name__)
