"""Points: mirroring and clipping."""

from .transforms import flip_keypoints as flip_keypoints
from .transforms import flip_keypoints_custom_center as flip_keypoints_custom_center
from .transforms import keypoint_clip_border as keypoint_clip_border
