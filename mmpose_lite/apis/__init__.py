"""The public API: loading configs and models, inference, exchange, training, testing."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from ..inference.inferencer import MMPoseInferencer as MMPoseInferencer
    from .adaptation import adapt as adapt
    from .config import load_config as load_config
    from .exchange import from_supervision as from_supervision
    from .exchange import to_coco_results as to_coco_results
    from .exchange import to_supervision as to_supervision
    from .inference import inference_topdown as inference_topdown
    from .inference import init_model as init_model
    from .training import test as test
    from .training import train as train

__getattr__, __dir__ = lazy_names(__name__)
