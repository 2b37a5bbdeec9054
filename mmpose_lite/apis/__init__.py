"""The public API: loading configs and models, inference, training and testing."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .config import load_config
    from .inference import inference_topdown, init_model
    from .training import test, train

__all__ = ['inference_topdown', 'init_model', 'load_config', 'test', 'train']

__getattr__, __dir__ = lazy_names(__name__)
