"""Files that results become: one writer a form, each of which takes photographs as they come."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from mmpose_lite.structures import PoseMetainfo
from mmpose_lite.utils.files import beside
from mmpose_lite.utils.images import APPLIED
from mmpose_lite.utils.lazy import load_optional
from mmpose_lite.visualization.drawing import write_image

from .results import Landmarks
from .sources import Source

_PLACE, _SCORE = 3, 4  # decimals
_ROWS = 1000  # of a table that are written at once


PLACES = {
    'pictures': 'pictures',
    'jsonl': 'predictions.jsonl',
    'csv': 'predictions.csv',
    'parquet': 'predictions.parquet',
    'coco': 'predictions_coco.json',
    'pts': 'pts',
    'labelme': 'labelme',
    'crops': 'crops',
}
"""The files that forms of results become, and the folders of their files, but for videos."""


class Layout:
    """The folder of results, and the names of photographs there.

    Args:
        folder: Folder of all files.
        sources: The photographs; their common folder is not part of their names.
        meta: Description of the points.
        least_score: Points with a lower score count as hidden.

    Attributes:
        folder: As the argument.
        meta: As the argument.
        least_score: As the argument.
        point_names: The points' names, in order.
    """

    def __init__(
        self,
        folder: str | Path,
        sources: Iterable[Source],
        meta: PoseMetainfo,
        least_score: float = 0.0,
    ) -> None:
        self.folder, self.meta, self.least_score = Path(folder), meta, least_score
        self._files = {os.path.abspath(each) for each in sources if isinstance(each, str)}
        folders = [os.path.dirname(each) for each in self._files]
        self._root = os.path.commonpath(folders) if folders else ''
        stems = Counter(os.path.splitext(self.name_of(each))[0] for each in self._files)
        self._several = {stem for stem, count in stems.items() if count > 1}
        names = meta['keypoint_id2name']
        self.point_names = [names[i] for i in range(meta['num_keypoints'])]

    def name_of(self, name: str) -> str:
        """A photograph's name below the common folder, with slashes; others as they are."""
        path = os.path.abspath(name)
        if path not in self._files:
            return name
        return PurePath(os.path.relpath(path, self._root)).as_posix()

    def stem_of(self, result: Landmarks) -> str:
        """The same without its suffix, unless two would be one; a frame's has its number."""
        name = self.name_of(result.name)
        is_inside = os.path.abspath(result.name) in self._files
        name = name if is_inside else PurePath(name).name  # of a video, an array
        stem = os.path.splitext(name)[0]
        stem = name if stem in self._several else stem
        frame = result.photograph.frame
        return stem if frame is None else f'{stem}_{frame:06d}'

    def make_file(self, *parts: str) -> Path:
        """A path below the folder, whose own folder is made."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class Writer:
    """A form of results. By default, failures leave no trace and there is nothing to finish.

    Args:
        layout: The folder, and the names there.

    Attributes:
        path: The file or folder that it writes.
    """

    path: Path

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def write(self, result: Landmarks) -> None:
        """Take a photograph."""
        raise NotImplementedError

    def fail(self, name: str, reason: str) -> None:
        """Take a photograph that could not be used."""

    def close(self) -> None:
        """Finish the file."""


def rounded(values: Any, digits: int = _PLACE) -> Any:
    """An array as lists of numbers of so many digits, which are not written as float32's."""
    return np.round(np.asarray(values, np.float64), digits).tolist()


class JsonLines(Writer):
    """A line a photograph, which is in the file before the next one is begun.

    It has ``image``, ``width``, ``height`` and ``faces``: each with its ``box`` x1, y1, x2, y2,
    ``box_score``, ``points`` by name, x, y and score, and where they are known ``id`` and
    ``expected_errors``, percent of the box, and ``hidden``, probabilities, in the points' order.
    One that could not be used has ``error`` instead.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.make_file(PLACES['jsonl'])
        self._file = open(self.path, 'w', encoding='utf-8')  # noqa: SIM115

    def write(self, result: Landmarks) -> None:
        """Write a line."""
        height, width = result.photograph.image.shape[:2]
        record = {'image': self.layout.name_of(result.name), 'width': width, 'height': height}
        if result.photograph.frame is not None:
            record |= {'frame': result.photograph.frame, 'time_s': result.photograph.time_s}
        self._line(record | {'faces': [self._face(result, i) for i in range(len(result))]})

    def _face(self, result: Landmarks, face: int) -> dict[str, Any]:
        points = rounded(result.points[face])
        scores = rounded(result.scores[face], _SCORE)
        rows = zip(self.layout.point_names, points, scores, strict=True)
        record = {
            'box': rounded(result.boxes[face]),
            'box_score': rounded(result.box_scores[face], _SCORE),
            'points': {name: [*xy, score] for name, xy, score in rows},
        }
        if result.ids is not None:
            record['id'] = int(result.ids[face])
        if result.errors is not None:
            record['expected_errors'] = rounded(result.errors[face])
        if result.hidden is not None:
            record['hidden'] = rounded(result.hidden[face])
        return record

    def fail(self, name: str, reason: str) -> None:
        """Write a line that says why there are no faces."""
        self._line({'image': self.layout.name_of(name), 'error': reason})

    def _line(self, record: dict[str, Any]) -> None:
        self._file.write(f'{json.dumps(record)}\n')
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _columns(names: Sequence[str]) -> list[str]:
    """The titles of a table, a row a face; those of points and boxes as ``convert csv`` reads."""
    known = ['filename', 'width', 'height', APPLIED, 'frame', 'time_s', 'id', 'box_score']
    known += [f'bbox_{side}' for side in 'xywh']
    return known + [f'{name}_{part}' for name in names for part in ('x', 'y', 'score')]


def _rows(layout: Layout, result: Landmarks) -> Iterator[list[Any]]:
    """The rows of a photograph; what is not known is None."""
    photograph = result.photograph
    orientation = photograph.applied_orientation if len(result) else 1
    for face in range(len(result)):
        low, high = result.boxes[face, :2], result.boxes[face, 2:]
        box = rounded(np.concatenate([low, high - low]))
        scores = rounded(result.scores[face], _SCORE)
        points = zip(rounded(result.points[face]), scores, strict=True)
        yield [
            layout.name_of(result.name),
            *photograph.image.shape[1::-1],
            orientation,
            photograph.frame,
            photograph.time_s,
            None if result.ids is None else int(result.ids[face]),
            rounded(result.box_scores[face], _SCORE),
            *box,
            *(value for xy, score in points for value in (*xy, score)),
        ]


class CsvTable(Writer):
    """A row a face: the photograph, the box, and x, y and score of each point by its name."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.make_file(PLACES['csv'])
        self._file = open(self.path, 'w', encoding='utf-8', newline='')  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator='\n')
        self._writer.writerow(_columns(layout.point_names))

    def write(self, result: Landmarks) -> None:
        """Write the rows of a photograph."""
        self._writer.writerows(_rows(self.layout, result))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetTable(Writer):
    """The same table in Parquet, by pyarrow; it is there when all is done.

    Raises:
        InputError: If pyarrow is not installed.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.make_file(PLACES['parquet'])
        self._arrow = load_optional('pyarrow')
        parquet = load_optional('pyarrow.parquet')
        self._titles = _columns(layout.point_names)
        kinds = {'filename': self._arrow.string(), 'frame': self._arrow.int64()}
        kinds |= {'id': self._arrow.int64(), 'time_s': self._arrow.float64()}
        kinds |= dict.fromkeys(('width', 'height'), self._arrow.int64())
        fields = [(title, kinds.get(title, self._arrow.float32())) for title in self._titles]
        self._schema = self._arrow.schema(fields)
        self._waiting: list[list[Any]] = []
        self._stack = ExitStack()
        part = self._stack.enter_context(beside(self.path))
        self._writer = self._stack.enter_context(parquet.ParquetWriter(part, self._schema))

    def write(self, result: Landmarks) -> None:
        """Take the rows of a photograph."""
        self._waiting += _rows(self.layout, result)
        if len(self._waiting) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self._waiting, strict=True) if self._waiting else [[]] * len(self._titles)
        arrays = [
            self._arrow.array(list(values), field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._waiting = []

    def close(self) -> None:
        """Write what is left, and move the file to its place."""
        self._flush()
        self._stack.close()


class Pictures(Writer):
    """The photographs with faces drawn on them, JPEG."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.folder / PLACES['pictures']

    def write(self, result: Landmarks) -> None:
        """Write a picture."""
        path = self.layout.make_file(PLACES['pictures'], f'{self.layout.stem_of(result)}.jpg')
        write_image(result.draw(self.layout.least_score), path)


class Crops(Writer):
    """The faces by their boxes, PNG: the pixels that the photograph has there."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.folder / PLACES['crops']

    def write(self, result: Landmarks) -> None:
        """Write the crops of a photograph."""
        height, width = result.photograph.image.shape[:2]
        for face, box in enumerate(result.boxes):
            left, top = np.floor(np.clip(box[:2], 0, (width - 1, height - 1))).astype(int)
            right, bottom = np.ceil(np.clip(box[2:], (left + 1, top + 1), (width, height)))
            pixels = result.photograph.image[top : int(bottom), left : int(right)]
            name = f'{self.layout.stem_of(result)}_{face + 1}.png'
            write_image(pixels, self.layout.make_file(PLACES['crops'], name))


Maker = Callable[[Layout], Writer]
