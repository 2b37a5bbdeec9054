"""Codecs: points to what a network predicts, and back."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .base import BaseKeypointCodec
    from .msra_heatmap import MSRAHeatmap
    from .regression_label import RegressionLabel
    from .udp_heatmap import UDPHeatmap

__all__ = ['BaseKeypointCodec', 'MSRAHeatmap', 'RegressionLabel', 'UDPHeatmap']

__getattr__, __dir__ = lazy_names(__name__)
