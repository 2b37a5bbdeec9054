"""Data sets of faces."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .aflw_dataset import AFLWDataset
    from .coco_wholebody_face_dataset import CocoWholeBodyFaceDataset
    from .cofw_dataset import COFWDataset
    from .face_300w_dataset import Face300WDataset
    from .face_300wlp_dataset import Face300WLPDataset
    from .lapa_dataset import LapaDataset
    from .wflw_dataset import WFLWDataset

__all__ = [
    'AFLWDataset',
    'COFWDataset',
    'CocoWholeBodyFaceDataset',
    'Face300WDataset',
    'Face300WLPDataset',
    'LapaDataset',
    'WFLWDataset',
]

__getattr__, __dir__ = lazy_names(__name__)
