"""The arithmetic of heatmaps, batched in torch: B faces, K points, H rows, W columns."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .gaussian_heatmap import (
        generate_gaussian_heatmaps,
        generate_udp_gaussian_heatmaps,
        generate_unbiased_gaussian_heatmaps,
    )
    from .offset_heatmap import generate_offset_heatmap
    from .post_processing import gaussian_blur, get_heatmap_maximum
    from .refinement import refine_keypoints, refine_keypoints_dark, refine_keypoints_dark_udp

__all__ = [
    'gaussian_blur',
    'generate_gaussian_heatmaps',
    'generate_offset_heatmap',
    'generate_udp_gaussian_heatmaps',
    'generate_unbiased_gaussian_heatmaps',
    'get_heatmap_maximum',
    'refine_keypoints',
    'refine_keypoints_dark',
    'refine_keypoints_dark_udp',
]

__getattr__, __dir__ = lazy_names(__name__)
