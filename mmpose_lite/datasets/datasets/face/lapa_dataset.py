"""LaPa: 106 points on faces in the wild."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset


@DATASETS.register_module()
class LapaDataset(BaseCocoStyleDataset):
    """LaPa in MMPose's form, which is COCO's; arguments as :class:`BaseCocoStyleDataset`'s.

    Source: Liu et al., AAAI 2020.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/lapa.py'}
