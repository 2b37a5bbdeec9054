"""Metrics."""

from .keypoint_2d_metrics import AUC, EPE, NME, PCKAccuracy
from .row_metric import RowMetric, Score

__all__ = ['AUC', 'EPE', 'NME', 'PCKAccuracy', 'RowMetric', 'Score']
