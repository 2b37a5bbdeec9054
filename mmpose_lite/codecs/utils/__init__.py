"""The arithmetic of codecs, batched in torch: B faces, K points, H rows, W columns, L bins."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .gaussian_heatmap import generate_gaussian_heatmaps as generate_gaussian_heatmaps
    from .gaussian_heatmap import generate_rounded_heatmaps as generate_rounded_heatmaps
    from .gaussian_heatmap import generate_udp_gaussian_heatmaps as generate_udp_gaussian_heatmaps
    from .gaussian_heatmap import (
        generate_unbiased_gaussian_heatmaps as generate_unbiased_gaussian_heatmaps,
    )
    from .offset_heatmap import generate_offset_heatmap as generate_offset_heatmap
    from .post_processing import gaussian_blur as gaussian_blur
    from .post_processing import gaussian_blur1d as gaussian_blur1d
    from .post_processing import get_heatmap_maximum as get_heatmap_maximum
    from .post_processing import get_simcc_maximum as get_simcc_maximum
    from .post_processing import get_simcc_normalized as get_simcc_normalized
    from .refinement import refine_keypoints as refine_keypoints
    from .refinement import refine_keypoints_dark as refine_keypoints_dark
    from .refinement import refine_keypoints_dark_udp as refine_keypoints_dark_udp
    from .refinement import refine_simcc_dark as refine_simcc_dark

__getattr__, __dir__ = lazy_names(__name__)
