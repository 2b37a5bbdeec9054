"""Mirrored heatmaps against MMPose's whole table."""

import torch

from helpers.golden import table
from mmpose_lite.models.utils import flip_heatmaps
from mmpose_lite.structures import parse_pose_metainfo


def test_flip_heatmaps():
    recorded = {name: torch.from_numpy(maps) for name, maps in table('flip_heatmaps.npz').items()}
    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    for shift, name in ((False, 'flipped'), (True, 'flipped_shifted')):
        found = flip_heatmaps(recorded['heatmaps'], meta['flip_indices'], shift_heatmap=shift)
        assert torch.equal(found, recorded[name])
