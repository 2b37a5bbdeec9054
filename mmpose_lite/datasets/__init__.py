"""The data path: annotation files to batches of crops."""

from .builder import build_dataset
from .datasets import AFLWDataset, BaseCocoStyleDataset
from .samplers import DefaultSampler, InfiniteSampler
from .transforms import (
    Albumentation,
    GenerateTarget,
    GetBBoxCenterScale,
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
    'DefaultSampler',
    'GenerateTarget',
    'GetBBoxCenterScale',
    'InfiniteSampler',
    'LoadImage',
    'PackPoseInputs',
    'PhotometricDistortion',
    'RandomBBoxTransform',
    'RandomFlip',
    'RandomHalfBody',
    'TopdownAffine',
    'build_dataset',
]
