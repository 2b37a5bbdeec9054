"""WFLW: 98 points on faces in the wild."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from .square_box import SquareBoxDataset


@DATASETS.register_module()
class WFLWDataset(SquareBoxDataset):
    """WFLW in MMPose's form; arguments as :class:`BaseCocoStyleDataset`'s.

    Boxes are those of :class:`SquareBoxDataset`.

    Source: Wu et al., CVPR 2018.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/wflw.py'}
