"""MMPose's place of the metrics of points in the plane."""

from .distance import AUC, EPE
from .nme import NME
from .pck import PCKAccuracy

__all__ = ['AUC', 'EPE', 'NME', 'PCKAccuracy']
