"""What people call: loading configs and models, inference, training and testing."""

from .config import load_config
from .inference import inference_topdown, init_model
from .training import test, train

__all__ = ['inference_topdown', 'init_model', 'load_config', 'test', 'train']
