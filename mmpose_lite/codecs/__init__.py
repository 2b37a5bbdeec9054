"""Codecs: points to what a network predicts, and back."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base import BaseKeypointCodec as BaseKeypointCodec
    from .msra_heatmap import MSRAHeatmap as MSRAHeatmap
    from .random_rounding_heatmap import RandomRoundingHeatmap as RandomRoundingHeatmap
    from .regression_label import RegressionLabel as RegressionLabel
    from .simcc_label import SimCCLabel as SimCCLabel
    from .udp_heatmap import UDPHeatmap as UDPHeatmap

__getattr__, __dir__ = lazy_names(__name__)
