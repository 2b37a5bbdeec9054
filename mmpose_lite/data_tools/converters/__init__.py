"""Annotation files in MMPose's form, made from what data sets are released or labelled as."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .aflw import convert_aflw
    from .coco_export import write_coco
    from .cofw import convert_cofw
    from .face_300vw import convert_300vw
    from .face_300w import convert_300w
    from .face_300wlp import convert_300wlp
    from .lapa import convert_lapa
    from .own_points import convert_labels
    from .report import ConversionReport, WrittenSet
    from .wflw import convert_wflw

__all__ = [
    'ConversionReport',
    'WrittenSet',
    'convert_300vw',
    'convert_300w',
    'convert_300wlp',
    'convert_aflw',
    'convert_cofw',
    'convert_labels',
    'convert_lapa',
    'convert_wflw',
    'write_coco',
]

__getattr__, __dir__ = lazy_names(__name__)
