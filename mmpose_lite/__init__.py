"""mmpose_lite: train, test and use face-landmark models from config files."""

from .version import __version__

__all__ = ['__version__']
