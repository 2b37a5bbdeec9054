"""mmpose_lite: train, test and use face-landmark models from config files."""

from typing import TYPE_CHECKING

from .utils.lazy import lazy_names
from .version import __version__

if TYPE_CHECKING:
    from .inference import Landmarker

__all__ = ['Landmarker', '__version__']

__getattr__, __dir__ = lazy_names(__name__)
