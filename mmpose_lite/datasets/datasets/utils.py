"""MMPose's place of :func:`parse_pose_metainfo`."""

from mmpose_lite.structures.metainfo import parse_pose_metainfo

__all__ = ['parse_pose_metainfo']
