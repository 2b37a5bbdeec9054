"""COCO-WholeBody: 68 points on the faces of COCO's people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from mmpose_lite.errors import short
from mmpose_lite.registry import DATASETS

from ..base import BaseCocoStyleDataset
from ..base.annotations import AnnotationError, Record, is_number

# What a face's fields are called in an annotation of the whole body.
_NAMES = {'keypoints': 'face_kpts', 'bbox': 'face_box'}


class FaceRecord(Record):
    """The face of a whole body as a record of its own; errors name the body's fields."""

    def error(self, field: str, problem: str) -> AnnotationError:
        """An error that names this record; raise it."""
        return super().error(_NAMES.get(field, field), problem)


@DATASETS.register_module()
class CocoWholeBodyFaceDataset(BaseCocoStyleDataset):
    """Faces of COCO-WholeBody; arguments as :class:`BaseCocoStyleDataset`'s.

    An annotation is of a person, whose face is ``face_kpts`` (68 points of three numbers),
    ``face_box`` (xywh) and ``face_valid``. People without a valid face, and faces whose box has no
    area inside the image, are left out, as in MMPose.

    Source: Jin et al., ECCV 2020.
    """

    METAINFO: ClassVar[dict] = {'from_file': 'configs/_base_/datasets/coco_wholebody_face.py'}

    def reason_to_drop(self, record: Record) -> str | None:
        """Give the reason to leave out a person's face; None if there is none.

        Raises:
            AnnotationError: If ``face_valid`` or ``face_box`` cannot be read.
        """
        valid = record.annotation.get('face_valid')
        if not isinstance(valid, bool | int):
            raise record.error('face_valid', f'must be true or false, it is {short(valid)}')
        if not valid:
            return 'without a valid face'
        face = _face_of(record)
        reason = face.reason_to_drop()
        if reason is None and _is_outside(face, self.first_pixel):
            return 'with a face box that has no area inside the image'
        return reason

    def about_points(self, records: Sequence[Record], content: dict) -> None:
        """Compare nothing: the names in the file are those of the body's points."""

    def record_of(self, raw_data_info: dict) -> Record:
        """Return the record of a person's face."""
        return _face_of(super().record_of(raw_data_info))


def _face_of(record: Record) -> FaceRecord:
    """The face of a person; the points of the body no longer count."""
    body = record.annotation
    points: Any = body.get('face_kpts')
    kept = ('id', 'image_id', 'iscrowd', 'category_id')
    face: dict[str, Any] = {key: body[key] for key in kept if key in body}
    face |= {'keypoints': points, 'bbox': body.get('face_box')}
    if isinstance(points, list) and all(map(is_number, points)):
        face['num_keypoints'] = sum(
            max(xy) > 0 for xy in zip(points[::3], points[1::3], strict=False)
        )
    return FaceRecord(record.file, face, record.image)


def _is_outside(face: FaceRecord, first_pixel: int) -> bool:
    left, top, width, height = face.numbers('bbox', 4)
    left, top = left - first_pixel, top - first_pixel
    size = [face.image.get(side, np.inf) for side in ('width', 'height')]
    low = np.clip([left, top], 0, np.subtract(size, 1))
    high = np.clip([left + width, top + height], 0, np.subtract(size, 1))
    return bool((high <= low).any())
