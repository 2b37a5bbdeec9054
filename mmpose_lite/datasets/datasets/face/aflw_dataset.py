"""AFLW: 19 points on faces in the wild."""

from __future__ import annotations

from typing import ClassVar

from mmpose_lite.registry import DATASETS

from .square_box import SquareBoxDataset

# The side is stored twice; more than rounding between the two would make a wrong normaliser.
_SIDE_TOLERANCE = 0.01


@DATASETS.register_module()
class AFLWDataset(SquareBoxDataset):
    """AFLW in MMPose's form; arguments as :class:`BaseCocoStyleDataset`'s.

    Boxes are those of :class:`SquareBoxDataset`; an annotation has their side, too, as ``box_size``
    (image pixels).

    The points, image-left to image-right: brows 0 to 5, eyes 6 to 11, nose 12 to 14, mouth 15 to
    17, chin 18.

    Source: Koestinger et al., ICCV Workshops 2011; the points and split of Zhu et al., CVPR 2016.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/aflw.py'}

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """As the base class, with ``box_size`` in test mode."""
        instance = super().parse_data_info(raw_data_info)
        if self.test_mode:
            record = self.record_of(raw_data_info)
            side = instance['bbox_scale'][0, 0]
            instance['box_size'] = record.positive('box_size')
            if abs(instance['box_size'] - side) > _SIDE_TOLERANCE * side:
                problem = f'is {instance["box_size"]}, but 200 scale is {side}'
                raise record.error('box_size', problem)
        return instance
