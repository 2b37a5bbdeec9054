"""The crop cache: the pixels that any augmentation can read of each face, in one file.

A *window* is the cached part of a photograph; a *crop* is the input of the network, cut from it.
"""

from .crop_cache import CacheSettings as CacheSettings
from .crop_cache import CropCache as CropCache
from .crop_cache import Face as Face
from .crop_file import CropFile as CropFile
from .crop_file import DamagedCropsError as DamagedCropsError
from .crop_window import CropExtent as CropExtent
from .crop_window import Window as Window
