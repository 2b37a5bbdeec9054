"""Pictures of faces: samples during training and testing, and sheets of results."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .csv_vis_backend import CsvVisBackend as CsvVisBackend
    from .curves import Curve as Curve
    from .curves import draw_curves as draw_curves
    from .local_visualizer import PoseLocalVisualizer as PoseLocalVisualizer
    from .opencv_backend_visualizer import OpencvBackendVisualizer as OpencvBackendVisualizer
    from .sheet import FaceRow as FaceRow
    from .sheet import face_sheet as face_sheet
    from .sheet import worst_and_typical as worst_and_typical

__getattr__, __dir__ = lazy_names(__name__)
