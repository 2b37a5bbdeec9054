"""300VW: 68 points on the frames of videos."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from .square_box import SquareBoxDataset


@DATASETS.register_module()
class Face300VWDataset(SquareBoxDataset):
    """300VW in MMPose's form; arguments as :class:`BaseCocoStyleDataset`'s.

    Boxes are those of :class:`SquareBoxDataset`.

    Source: Shen et al., ICCV Workshops 2015.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/300vw.py'}
