"""Annotation files in MMPose's form, made from what data sets are released as."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .aflw import convert_aflw
    from .cofw import convert_cofw
    from .face_300w import convert_300w
    from .report import ConversionReport, WrittenSet
    from .wflw import convert_wflw

__all__ = [
    'ConversionReport',
    'WrittenSet',
    'convert_300w',
    'convert_aflw',
    'convert_cofw',
    'convert_wflw',
]

__getattr__, __dir__ = lazy_names(__name__)
