"""300W: 68 points on faces in the wild."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from .square_box import SquareBoxDataset


@DATASETS.register_module()
class Face300WDataset(SquareBoxDataset):
    """300W in MMPose's form; arguments as :class:`BaseCocoStyleDataset`'s.

    Boxes are those of :class:`SquareBoxDataset`.

    Source: Sagonas et al., Image and Vision Computing 2016.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/300w.py'}
