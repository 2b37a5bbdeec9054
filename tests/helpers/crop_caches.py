"""Small sets of faces with a crop cache, and a comparison of two sets' crops."""

import os

import numpy as np

from helpers.data_factory import ANNOTATIONS
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.datasets.samplers import SampleIndex

AUGMENT = [
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform', 'rotate_factor': 60, 'scale_factor': (0.75, 1.25)},
]


def build(root, cache=True, augment=AUGMENT, size=(32, 32), steps=None, **kwargs):
    pipeline = [
        {'type': 'LoadImage'},
        {'type': 'GetBBoxCenterScale'},
        *augment,
        {'type': 'TopdownAffine', 'input_size': size},
        {'type': 'PackPoseInputs', 'pack_transformed': True},
    ]
    return AFLWDataset(
        data_root=str(root),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        pipeline=steps or pipeline,
        cache=cache,
        **kwargs,
    )


def opened(dataset):
    dataset.full_init()
    return dataset.crops.file


def draw(dataset, epochs=8):
    return [dataset[SampleIndex(i, 3, e)] for e in range(epochs) for i in range(len(dataset))]


def same_crops(dataset, other, levels=1):
    pairs = list(zip(draw(dataset), draw(other), strict=True))
    for one, two in pairs:
        points = [each['data_samples'].gt_instances.transformed_keypoints for each in (one, two)]
        assert np.array_equal(*points)
        assert one['data_samples'].metainfo.keys() == two['data_samples'].metainfo.keys()
        difference = (one['inputs'].int() - two['inputs'].int()).abs()
        assert difference.max() <= levels
    return True


def change_time(root):
    os.utime(root / 'images' / 'face1.png', (1, 1))
