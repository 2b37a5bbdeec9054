"""Models outside the framework: files from pixels to points, and programs that run them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .benchmark import Timing as Timing
    from .benchmark import time_files as time_files
    from .estimator import ExportedEstimator as ExportedEstimator
    from .exporting import ExportOptions as ExportOptions
    from .exporting import export_model as export_model
    from .formats import make_writer as make_writer
    from .graph import CropGraph as CropGraph
    from .graph import PhotographGraph as PhotographGraph
    from .metadata import collect_metadata as collect_metadata
    from .runtime import ExportedModel as ExportedModel
    from .runtime import Prediction as Prediction
    from .runtime import read_metadata as read_metadata

__getattr__, __dir__ = lazy_names(__name__)
