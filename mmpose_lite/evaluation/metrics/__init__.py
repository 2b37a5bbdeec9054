"""Metrics."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .dump_results import DumpResults as DumpResults
    from .keypoint_2d_metrics import AUC as AUC
    from .keypoint_2d_metrics import EPE as EPE
    from .keypoint_2d_metrics import NME as NME
    from .keypoint_2d_metrics import PCKAccuracy as PCKAccuracy
    from .row_metric import RowMetric as RowMetric
    from .row_metric import Score as Score

__getattr__, __dir__ = lazy_names(__name__)
