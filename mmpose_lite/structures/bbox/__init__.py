"""Boxes and the affine maps between a photograph and a network's input."""

from .bbox_overlaps import bbox_overlaps
from .transforms import (
    DIRECTIONS,
    bbox_clip_border,
    bbox_corner2xyxy,
    bbox_cs2xywh,
    bbox_cs2xyxy,
    bbox_xywh2cs,
    bbox_xywh2xyxy,
    bbox_xyxy2corner,
    bbox_xyxy2cs,
    bbox_xyxy2xywh,
    fix_aspect_ratio,
    flip_bbox,
    flip_matrix,
    get_udp_warp_matrix,
    get_warp_matrix,
)

__all__ = [
    'DIRECTIONS',
    'bbox_clip_border',
    'bbox_corner2xyxy',
    'bbox_cs2xywh',
    'bbox_cs2xyxy',
    'bbox_overlaps',
    'bbox_xywh2cs',
    'bbox_xywh2xyxy',
    'bbox_xyxy2corner',
    'bbox_xyxy2cs',
    'bbox_xyxy2xywh',
    'fix_aspect_ratio',
    'flip_bbox',
    'flip_matrix',
    'get_udp_warp_matrix',
    'get_warp_matrix',
]
