"""The public API: loading configs and models, inference, exchange, training, testing."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from ..inference.inferencer import MMPoseInferencer
    from .adaptation import adapt
    from .config import load_config
    from .exchange import from_supervision, to_coco_results, to_supervision
    from .inference import inference_topdown, init_model
    from .training import test, train

__all__ = [
    'MMPoseInferencer',
    'adapt',
    'from_supervision',
    'inference_topdown',
    'init_model',
    'load_config',
    'test',
    'to_coco_results',
    'to_supervision',
    'train',
]

__getattr__, __dir__ = lazy_names(__name__)
