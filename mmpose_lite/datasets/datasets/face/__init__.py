"""Data sets of faces."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .aflw_dataset import AFLWDataset as AFLWDataset
    from .coco_wholebody_face_dataset import CocoWholeBodyFaceDataset as CocoWholeBodyFaceDataset
    from .cofw_dataset import COFWDataset as COFWDataset
    from .face_300vw_dataset import Face300VWDataset as Face300VWDataset
    from .face_300w_dataset import Face300WDataset as Face300WDataset
    from .face_300wlp_dataset import Face300WLPDataset as Face300WLPDataset
    from .lapa_dataset import LapaDataset as LapaDataset
    from .wflw_dataset import WFLWDataset as WFLWDataset

__getattr__, __dir__ = lazy_names(__name__)
