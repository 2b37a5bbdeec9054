"""From photographs to points: detectors, batches of faces, results and the files they become."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .annotated import AnnotatedPhotograph as AnnotatedPhotograph
    from .annotated import annotated_photographs as annotated_photographs
    from .box_files import BoxFile as BoxFile
    from .boxes import BoxMap as BoxMap
    from .boxes import PointsMap as PointsMap
    from .boxes import fit_boxes as fit_boxes
    from .boxes import fit_points_map as fit_points_map
    from .calibration import Calibration as Calibration
    from .calibration import find_calibration as find_calibration
    from .calibration import read_calibration as read_calibration
    from .calibration import write_calibration as write_calibration
    from .confidence import Confidence as Confidence
    from .confidence import fit_confidence as fit_confidence
    from .detected_test import DetectedTest as DetectedTest
    from .detectors import Detector as Detector
    from .detectors import make_detector as make_detector
    from .fitting import PredictedFaces as PredictedFaces
    from .fitting import predict_faces as predict_faces
    from .inferencer import MMPoseInferencer as MMPoseInferencer
    from .label_writers import WRITERS as WRITERS
    from .landmarker import Landmarker as Landmarker
    from .models import load_model as load_model
    from .results import Landmarks as Landmarks
    from .retinaface import RetinaFace as RetinaFace
    from .smoothing import OneEuro as OneEuro
    from .smoothing import smooth_track as smooth_track
    from .sources import Photograph as Photograph
    from .sources import find_photographs as find_photographs
    from .tracking import Tracker as Tracker
    from .tracking import follow_faces as follow_faces
    from .video import VideoReader as VideoReader
    from .video import writing_video as writing_video
    from .video_results import AnnotatedVideo as AnnotatedVideo
    from .writers import Layout as Layout

__getattr__, __dir__ = lazy_names(__name__)
