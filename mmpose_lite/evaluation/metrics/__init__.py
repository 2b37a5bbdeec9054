"""Metrics."""

from .dump_results import DumpResults
from .keypoint_2d_metrics import AUC, EPE, NME, PCKAccuracy
from .row_metric import RowMetric, Score

__all__ = ['AUC', 'EPE', 'NME', 'DumpResults', 'PCKAccuracy', 'RowMetric', 'Score']
