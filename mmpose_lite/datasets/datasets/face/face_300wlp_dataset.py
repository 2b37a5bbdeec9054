"""300W-LP: 300W's faces in large poses, with its 68 points."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset


@DATASETS.register_module()
class Face300WLPDataset(BaseCocoStyleDataset):
    """300W-LP in MMPose's form, which is COCO's; arguments as :class:`BaseCocoStyleDataset`'s.

    Source: Zhu et al., CVPR 2016.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/300wlp.py'}
