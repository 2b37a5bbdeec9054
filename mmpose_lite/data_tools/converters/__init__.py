"""Annotation files in MMPose's form, made from what data sets are released or labelled as."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .aflw import convert_aflw as convert_aflw
    from .coco_export import write_coco as write_coco
    from .cofw import convert_cofw as convert_cofw
    from .face_300vw import convert_300vw as convert_300vw
    from .face_300w import convert_300w as convert_300w
    from .face_300wlp import convert_300wlp as convert_300wlp
    from .lapa import convert_lapa as convert_lapa
    from .own_points import convert_labels as convert_labels
    from .report import ConversionReport as ConversionReport
    from .report import WrittenSet as WrittenSet
    from .wflw import convert_wflw as convert_wflw

__getattr__, __dir__ = lazy_names(__name__)
