"""Pictures of faces: samples while training and testing, and sheets of results."""

from .csv_vis_backend import CsvVisBackend
from .local_visualizer import PoseLocalVisualizer
from .opencv_backend_visualizer import OpencvBackendVisualizer
from .sheet import FaceRow, face_sheet, worst_and_typical

__all__ = [
    'CsvVisBackend',
    'FaceRow',
    'OpencvBackendVisualizer',
    'PoseLocalVisualizer',
    'face_sheet',
    'worst_and_typical',
]
