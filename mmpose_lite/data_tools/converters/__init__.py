"""Annotation files in MMPose's form, made from what data sets are released as."""

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
