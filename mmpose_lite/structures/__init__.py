"""Samples, boxes, points, and the description of a point set."""

from mmpose_lite.utils.paths import config_root as config_root

from .bbox import bbox_clip_border as bbox_clip_border
from .bbox import bbox_corner2xyxy as bbox_corner2xyxy
from .bbox import bbox_cs2xywh as bbox_cs2xywh
from .bbox import bbox_cs2xyxy as bbox_cs2xyxy
from .bbox import bbox_xywh2cs as bbox_xywh2cs
from .bbox import bbox_xywh2xyxy as bbox_xywh2xyxy
from .bbox import bbox_xyxy2corner as bbox_xyxy2corner
from .bbox import bbox_xyxy2cs as bbox_xyxy2cs
from .bbox import bbox_xyxy2xywh as bbox_xyxy2xywh
from .bbox import flip_bbox as flip_bbox
from .bbox import get_udp_warp_matrix as get_udp_warp_matrix
from .bbox import get_warp_matrix as get_warp_matrix
from .keypoint import flip_keypoints as flip_keypoints
from .keypoint import keypoint_clip_border as keypoint_clip_border
from .metainfo import PoseMetainfo as PoseMetainfo
from .metainfo import parse_pose_metainfo as parse_pose_metainfo
from .multilevel_pixel_data import MultilevelPixelData as MultilevelPixelData
from .pose_data_sample import PoseDataSample as PoseDataSample
from .utils import merge_data_samples as merge_data_samples
from .utils import revert_heatmap as revert_heatmap
from .utils import split_instances as split_instances
