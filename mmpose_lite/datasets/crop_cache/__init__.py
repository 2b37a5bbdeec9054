"""The crop cache: the pixels that any augmentation can read of each face, in one file.

A *window* is the cached part of a photograph; a *crop* is the input of the network, cut from it.
"""

from .crop_cache import CacheSettings, CropCache, Face
from .crop_file import CropFile, DamagedCropsError
from .crop_window import CropExtent, Window

__all__ = [
    'CacheSettings',
    'CropCache',
    'CropExtent',
    'CropFile',
    'DamagedCropsError',
    'Face',
    'Window',
]
