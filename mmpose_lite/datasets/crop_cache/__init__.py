"""The crop cache: what any augmentation can read of each face, in one file."""

from .crop_cache import CacheSettings, CropCache, Face
from .crop_file import CropFile, DamagedCropsError

__all__ = ['CacheSettings', 'CropCache', 'CropFile', 'DamagedCropsError', 'Face']
