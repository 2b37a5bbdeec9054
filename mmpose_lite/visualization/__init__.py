"""Pictures of faces: samples during training and testing, and sheets of results."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .csv_vis_backend import CsvVisBackend
    from .curves import Curve, draw_curves
    from .local_visualizer import PoseLocalVisualizer
    from .opencv_backend_visualizer import OpencvBackendVisualizer
    from .sheet import FaceRow, face_sheet, worst_and_typical

__all__ = [
    'CsvVisBackend',
    'Curve',
    'FaceRow',
    'OpencvBackendVisualizer',
    'PoseLocalVisualizer',
    'draw_curves',
    'face_sheet',
    'worst_and_typical',
]

__getattr__, __dir__ = lazy_names(__name__)
