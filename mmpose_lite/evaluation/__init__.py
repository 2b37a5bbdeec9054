"""Evaluation: scores computed from one row per face."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .mean_shape import mean_shape_nme as mean_shape_nme
    from .metrics import AUC as AUC
    from .metrics import EPE as EPE
    from .metrics import NME as NME
    from .metrics import PCKAccuracy as PCKAccuracy

__getattr__, __dir__ = lazy_names(__name__)
