"""Halpe: 136 points on whole people, 68 of them on the face."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset


@DATASETS.register_module()
class HalpeDataset(BaseCocoStyleDataset):
    """Halpe in MMPose's form, which is COCO's; arguments as :class:`BaseCocoStyleDataset`'s.

    A box is the person's, in MMPose's face6 configs too: the face alone is a small part of a crop.

    Source: Li et al., CVPR 2020.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/halpe.py'}
