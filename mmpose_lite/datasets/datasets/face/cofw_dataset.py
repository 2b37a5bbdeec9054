"""COFW: 29 points on faces with things in front."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset


@DATASETS.register_module()
class COFWDataset(BaseCocoStyleDataset):
    """COFW in MMPose's form, which is COCO's; arguments as :class:`BaseCocoStyleDataset`'s.

    Source: Burgos-Artizzu et al., ICCV 2013.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/cofw.py'}
