"""Results as labels: files that trainings and labelling tools read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from mmpose_lite.data_tools.converters.annotation_files import Face, annotation
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.images import APPLIED

from .results import Landmarks
from .video_results import AnnotatedVideo
from .writers import (
    PLACES,
    Crops,
    CsvTable,
    JsonLines,
    Layout,
    Maker,
    ParquetTable,
    Pictures,
    Writer,
    rounded,
)

_HIDDEN, _VISIBLE = 1, 2  # COCO's flags
_CHUNK = 1 << 20


class CocoFile(Writer):
    """COCO keypoints with AFLW's square box, which the data sets here and labelling tools read.

    Points whose score is below the layout's are hidden (1), others visible (2); scores are beside
    them. It is there when all is done; what is written waits in temporary files.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.make_file(PLACES['coco'])
        self._images: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self._annotations: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self._num_images = self._num_faces = 0

    def write(self, result: Landmarks) -> None:
        """Take a photograph."""
        self._num_images += 1
        height, width = result.photograph.image.shape[:2]
        name = self.layout.name_of(result.name)
        image = {'id': self._num_images, 'file_name': name, 'width': width, 'height': height}
        if result.photograph.frame is not None:
            image |= {'frame': result.photograph.frame, 'time_s': result.photograph.time_s}
        if (orientation := result.photograph.applied_orientation) != 1:
            image[APPLIED] = orientation
        _append(self._images, image)
        for row in range(len(result)):
            self._num_faces += 1
            face = self._face(result, row)
            record = annotation(face, self._num_faces, self._num_images, (width, height))
            _append(self._annotations, record)

    def _face(self, result: Landmarks, row: int) -> Face:
        scores = result.scores[row]
        left, top, right, bottom = rounded(result.boxes[row])
        width, height = right - left, bottom - top
        side = max(width, height)
        extra: dict[str, Any] = {
            'box_size': side,
            'score': rounded(result.box_scores[row], 4),
            'keypoint_scores': rounded(scores, 4),
        }
        if result.ids is not None:
            extra['track_id'] = int(result.ids[row])
        return Face(
            image=result.name,
            where=f'face {row}',
            points=np.round(result.points[row].astype(np.float64), 3),
            flags=np.where(scores < self.layout.least_score, _HIDDEN, _VISIBLE),
            center=((left + right) / 2, (top + bottom) / 2),
            side=side,
            bbox_xywh=(left, top, width, height),
            extra=extra,
        )

    def close(self) -> None:
        """Put the file together."""
        links = [[a + 1, b + 1] for a, b in self.layout.meta['skeleton_links']]  # from 1
        points = {'keypoints': self.layout.point_names, 'skeleton': links}
        category = {'supercategory': 'person', 'id': 1, 'name': 'face', **points}
        with replacing(self.path) as file:
            head = {'description': 'predicted by mmpose_lite'}
            file.write(f'{{"info": {json.dumps(head)},\n'.encode())
            file.write(f'"categories": [{json.dumps(category)}],\n'.encode())
            for key, part in (('images', self._images), ('annotations', self._annotations)):
                file.write(f'"{key}": [\n'.encode())
                part.seek(0)
                while chunk := part.read(_CHUNK):
                    file.write(chunk)
                file.write(b'],\n' if key == 'images' else b']}\n')
                part.close()


def _append(file: IO[bytes], record: Mapping[str, Any]) -> None:
    """Write a record of a list."""
    separator = ',\n' if file.tell() else ''
    file.write(f'{separator}{json.dumps(record, allow_nan=False)}'.encode())


class PtsFiles(Writer):
    """iBUG's ``.pts``, a file a face, whose first pixel is 1, 1.

    That of a lone face is called as its photograph; of several, ``_1`` and so on is added, from
    left to right.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.folder / PLACES['pts']

    def write(self, result: Landmarks) -> None:
        """Write the files of a photograph."""
        order = np.argsort(result.boxes[:, 0], kind='stable')
        for number, row in enumerate(order, 1):
            end = f'_{number}' if len(order) > 1 else ''
            rows = rounded(result.points[row].astype(np.float64) + 1)
            lines = ''.join(f'{x} {y}\n' for x, y in rows)
            text = f'version: 1\nn_points: {len(rows)}\n{{\n{lines}}}\n'
            path = self.layout.make_file(PLACES['pts'], f'{self.layout.stem_of(result)}{end}.pts')
            path.write_text(text, encoding='utf-8')


class LabelmeFiles(Writer):
    """labelme's files, one a photograph: points with their names, and boxes, of a group a face.

    Points whose score is below the layout's have the flag ``hidden``; scores are descriptions.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.folder / PLACES['labelme']

    def write(self, result: Landmarks) -> None:
        """Write the file of a photograph."""
        path = self.layout.make_file(PLACES['labelme'], f'{self.layout.stem_of(result)}.json')
        height, width = result.photograph.image.shape[:2]
        source = result.photograph.path
        content = {
            'version': '5.5.0',
            'flags': {},
            'shapes': [shape for row in range(len(result)) for shape in self._shapes(result, row)],
            'imagePath': result.name if source is None else os.path.relpath(source, path.parent),
            'imageData': None,
            'imageHeight': height,
            'imageWidth': width,
        }
        path.write_text(json.dumps(content, indent=1), encoding='utf-8')

    def _shapes(self, result: Landmarks, row: int) -> list[dict[str, Any]]:
        points, scores = rounded(result.points[row]), result.scores[row]
        left, top, right, bottom = rounded(result.boxes[row])
        box = _shape('face', 'rectangle', [[left, top], [right, bottom]], row)
        found = zip(self.layout.point_names, points, scores, strict=True)
        shapes = [
            _shape(name, 'point', [xy], row, f'{score:.3f}', score < self.layout.least_score)
            for name, xy, score in found
        ]
        return [box, *shapes]


def _shape(
    label: str, kind: str, points: list, group: int, description: str = '', hidden: bool = False
) -> dict[str, Any]:
    return {
        'label': label,
        'points': points,
        'group_id': group,
        'description': description,
        'shape_type': kind,
        'flags': {'hidden': True} if hidden else {},
    }


WRITERS: dict[str, Maker] = {
    'pictures': Pictures,
    'jsonl': JsonLines,
    'csv': CsvTable,
    'parquet': ParquetTable,
    'coco': CocoFile,
    'pts': PtsFiles,
    'labelme': LabelmeFiles,
    'crops': Crops,
    'video': AnnotatedVideo,
}
"""The forms of results by name."""
