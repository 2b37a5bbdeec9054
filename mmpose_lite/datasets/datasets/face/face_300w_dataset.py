"""300W: 68 points on faces in the wild."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset
from .square_box import square_box


@DATASETS.register_module()
class Face300WDataset(BaseCocoStyleDataset):
    """300W in MMPose's form; arguments as :class:`BaseCocoStyleDataset`'s.

    An annotation has ``center`` (x, y) and ``scale`` (a 200th of the box's side); the box is the
    square about the centre, and may leave the image.

    Source: Sagonas et al., Image and Vision Computing 2016.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/300w.py'}

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Turn one annotation into what the pipeline starts from.

        Returns:
            As the base class, with the box of :func:`square_box`.
        """
        record = self._record(raw_data_info)
        return {**self._parse_common(record), **square_box(record)}
