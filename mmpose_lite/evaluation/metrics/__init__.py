"""Metrics."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .dump_results import DumpResults
    from .keypoint_2d_metrics import AUC, EPE, NME, PCKAccuracy
    from .row_metric import RowMetric, Score

__all__ = ['AUC', 'EPE', 'NME', 'DumpResults', 'PCKAccuracy', 'RowMetric', 'Score']

__getattr__, __dir__ = lazy_names(__name__)
