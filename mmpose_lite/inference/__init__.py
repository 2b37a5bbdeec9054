"""From photographs to points: detectors, batches of faces, results and the files they become."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .boxes import BoxMap as BoxMap
    from .boxes import PointsMap as PointsMap
    from .calibration import Calibration as Calibration
    from .calibration import read_calibration as read_calibration
    from .confidence import Confidence as Confidence
    from .detectors import Detector as Detector
    from .detectors import make_detector as make_detector
    from .inferencer import MMPoseInferencer as MMPoseInferencer
    from .landmarker import Landmarker as Landmarker
    from .models import load_model as load_model
    from .results import Landmarks as Landmarks
    from .retinaface import RetinaFace as RetinaFace
    from .smoothing import OneEuro as OneEuro
    from .sources import Photograph as Photograph
    from .sources import find_photographs as find_photographs
    from .tracking import Tracker as Tracker
    from .video import VideoReader as VideoReader

__getattr__, __dir__ = lazy_names(__name__)
