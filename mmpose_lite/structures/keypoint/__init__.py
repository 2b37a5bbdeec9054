"""Points: mirroring, clipping, and maps between annotators."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .label_map import LabelMap as LabelMap
    from .label_map import fit_label_map as fit_label_map
    from .transforms import flip_keypoints as flip_keypoints
    from .transforms import flip_keypoints_custom_center as flip_keypoints_custom_center
    from .transforms import keypoint_clip_border as keypoint_clip_border

__getattr__, __dir__ = lazy_names(__name__)
