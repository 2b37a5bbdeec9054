"""Data sets whose annotations give a box as a centre and a scale."""

from __future__ import annotations

import numpy as np

from mmpose_lite.structures.bbox import bbox_cs2xyxy

from ..base import BaseCocoStyleDataset

# What MMPose divides a box's side by, pixels.
_UNIT = np.float32(200)


class SquareBoxDataset(BaseCocoStyleDataset):
    """Faces whose annotations have ``center`` (x, y) and ``scale`` (a 200th of the box's side).

    The box is the square about the centre, and may leave the image.
    """

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Turn one annotation into what the pipeline starts from.

        Returns:
            As the base class, with ``bbox`` ``(1, 4)`` xyxy, ``bbox_center`` ``(1, 2)`` and
            ``bbox_scale`` ``(1, 2)`` (both sides), float32, image pixels.
        """
        record = self.record_of(raw_data_info)
        instance = self._parse_common(record)
        center = np.array([record.numbers('center', 2)], dtype=np.float32) - self.first_pixel
        side = np.float32(record.positive('scale')) * _UNIT
        record.check_side('scale', float(side))
        scale = np.full((1, 2), side, dtype=np.float32)
        box = {'bbox': bbox_cs2xyxy(center, scale), 'bbox_center': center, 'bbox_scale': scale}
        return {**instance, **box}
