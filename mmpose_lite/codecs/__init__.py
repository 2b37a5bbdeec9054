"""Codecs: points to what a network predicts, and back."""

from .base import BaseKeypointCodec
from .msra_heatmap import MSRAHeatmap
from .regression_label import RegressionLabel
from .udp_heatmap import UDPHeatmap

__all__ = ['BaseKeypointCodec', 'MSRAHeatmap', 'RegressionLabel', 'UDPHeatmap']
