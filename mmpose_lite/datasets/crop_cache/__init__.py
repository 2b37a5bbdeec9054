"""The crop cache: the pixels that any augmentation can read of each face, in one file."""

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
