"""Boxes and the affine maps between a photograph and a network's input."""

from .bbox_overlaps import bbox_overlaps as bbox_overlaps
from .transforms import DIRECTIONS as DIRECTIONS
from .transforms import bbox_clip_border as bbox_clip_border
from .transforms import bbox_corner2xyxy as bbox_corner2xyxy
from .transforms import bbox_cs2xywh as bbox_cs2xywh
from .transforms import bbox_cs2xyxy as bbox_cs2xyxy
from .transforms import bbox_xywh2cs as bbox_xywh2cs
from .transforms import bbox_xywh2xyxy as bbox_xywh2xyxy
from .transforms import bbox_xyxy2corner as bbox_xyxy2corner
from .transforms import bbox_xyxy2cs as bbox_xyxy2cs
from .transforms import bbox_xyxy2xywh as bbox_xyxy2xywh
from .transforms import fix_aspect_ratio as fix_aspect_ratio
from .transforms import flip_bbox as flip_bbox
from .transforms import flip_matrix as flip_matrix
from .transforms import get_udp_warp_matrix as get_udp_warp_matrix
from .transforms import get_warp_matrix as get_warp_matrix
