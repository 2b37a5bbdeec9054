"""What travels through the pipeline: samples, boxes, points, and the description of a point set."""

from .metainfo import PoseMetainfo, config_root, parse_pose_metainfo
from .multilevel_pixel_data import MultilevelPixelData
from .pose_data_sample import PoseDataSample
from .utils import merge_data_samples, revert_heatmap, split_instances

__all__ = [
    'MultilevelPixelData',
    'PoseDataSample',
    'PoseMetainfo',
    'config_root',
    'merge_data_samples',
    'parse_pose_metainfo',
    'revert_heatmap',
    'split_instances',
]
