"""From photographs to points: detectors, batches of faces, results and the files they become."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .detectors import Detector as Detector
    from .detectors import make_detector as make_detector
    from .inferencer import MMPoseInferencer as MMPoseInferencer
    from .landmarker import Landmarker as Landmarker
    from .results import Landmarks as Landmarks
    from .sources import Photograph as Photograph
    from .sources import find_photographs as find_photographs

__getattr__, __dir__ = lazy_names(__name__)
