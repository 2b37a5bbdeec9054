"""A written set in the forms in which AFLW is passed on, for trying what reads these."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from .writer import DatasetError

FORMS_FOLDER = 'forms'
SQLITE_NAME = 'aflw.sqlite'
MAT_NAME = 'AFLWinfo_release.mat'
# AFLW's ids of the 19 points, and the two ears' between them, which no one here has.
_FEATURES = (*range(1, 13), 14, 15, 16, 18, 19, 20, 21)
_MAT_HEADER = b'MATLAB 5.0 MAT-file, synthetic faces'
_SCHEMA = """
CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
CREATE TABLE FaceImages (image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT,
    bw INTEGER, width INTEGER, height INTEGER);
CREATE TABLE FaceRect (face_id INTEGER, x INTEGER, y INTEGER, w INTEGER, h INTEGER,
    annot_type_id INTEGER);
CREATE TABLE FacePose (face_id INTEGER, roll REAL, pitch REAL, yaw REAL, annot_type_id INTEGER);
CREATE TABLE FaceMetaData (face_id INTEGER, sex TEXT, occluded INTEGER, glasses INTEGER,
    bw INTEGER, annot_type_id INTEGER);
CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
    annot_type_id INTEGER);
"""


def write_forms(root: str | Path) -> Path:
    """Write a set's faces as AFLW's release, as Zhu et al.'s file, and as HRNet's lists.

    Args:
        root: Folder of a set that is written.

    Returns:
        The folder of the files: ``aflw.sqlite`` (visible points, boxes, pose),
        ``AFLWinfo_release.mat`` and ``face_landmarks_aflw_{train,test,test_frontal}.csv``. Sex,
        glasses and occlusion are not known.

    Raises:
        DatasetError: If scipy is missing.
    """
    root = Path(root)
    folder = root / FORMS_FOLDER
    folder.mkdir(exist_ok=True)
    sets = {name: _read(root, name) for name in ('train', 'test', 'test_frontal')}
    _write_mat(folder / MAT_NAME, sets['train'], sets['test'])
    _write_sqlite(folder / SQLITE_NAME, [*sets['train'], *sets['test']])
    for name, faces in sets.items():
        _write_csv(folder / f'face_landmarks_aflw_{name}.csv', faces)
    return folder


def _read(root: Path, name: str) -> list[tuple[dict, dict]]:
    """The faces of a list, each with its picture."""
    path = root / 'annotations' / f'face_landmarks_aflw_{name}.json'
    content = json.loads(path.read_text(encoding='utf-8'))
    images = {image['id']: image for image in content['images']}
    return [(face, images[face['image_id']]) for face in content['annotations']]


def _points(face: dict[str, Any]) -> np.ndarray:
    return np.array(face['keypoints']).reshape(-1, 3)[:, :2]


def _corner(face: dict[str, Any]) -> tuple[int, int, int]:
    """Left, top and side of the box, which are whole numbers."""
    side = int(face['box_size'])
    return round(face['center'][0] - side / 2), round(face['center'][1] - side / 2), side


def _write_mat(path: Path, train: Sequence, test: Sequence) -> None:
    try:
        from scipy.io import savemat
    except ImportError as error:
        raise DatasetError(f'{path} needs scipy: pip install scipy') from error
    faces = [*train, *test]
    # Rows in another order than the split's, as in the release.
    rows = np.random.default_rng(0).permutation(len(faces))
    names = np.empty((len(faces), 1), dtype=object)
    columns: dict[str, list] = {'bbox': [], 'data': [], 'mask_new': []}
    for row, index in enumerate(rows):
        face, image = faces[index]
        left, top, side = _corner(face)
        names[row, 0] = image['file_name'].removeprefix('flickr/')
        columns['bbox'].append([left, left + side, top, top + side])
        columns['data'].append(_points(face).T.ravel())
        columns['mask_new'].append(face['visibility'])
    content: dict[str, Any] = {key: np.array(value, float) for key, value in columns.items()}
    savemat(path, {'nameList': names, 'ra': np.argsort(rows)[None] + 1.0, **content})
    with open(path, 'r+b') as file:  # its text tells the time, and the same seed gives the same
        file.write(_MAT_HEADER.ljust(116))


def _write_sqlite(path: Path, faces: Sequence) -> None:
    path.unlink(missing_ok=True)
    images = {image['file_name']: image for _, image in faces}
    with closing(sqlite3.connect(path)) as base:
        base.executescript(_SCHEMA)
        base.executemany(
            'INSERT INTO FaceImages VALUES (?, ?, ?, ?, 0, ?, ?)',
            (
                (i, 'flickr', Path(name).name, name.removeprefix('flickr/'), *_size(image))
                for i, (name, image) in enumerate(images.items(), 1)
            ),
        )
        for face, image in faces:
            face_id = face['id'] + 1
            left, top, side = _corner(face)
            pose = (face['roll'], face['pitch'], face['yaw'])
            name = Path(image['file_name']).name
            base.execute('INSERT INTO Faces VALUES (?, ?, ?)', (face_id, name, 'flickr'))
            box = (face_id, left, top, side, side)
            base.execute('INSERT INTO FaceRect VALUES (?, ?, ?, ?, ?, 0)', box)
            base.execute('INSERT INTO FacePose VALUES (?, ?, ?, ?, 0)', (face_id, *pose))
            seen = [(face_id, *each) for each in _visible(face)]
            base.executemany('INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 0)', seen)
        base.commit()


def _size(image: dict[str, Any]) -> tuple[int, int]:
    return image['width'], image['height']


def _visible(face: dict[str, Any]) -> Iterator[tuple[int, float, float]]:
    points = _points(face).tolist()
    for feature, (x, y), flag in zip(_FEATURES, points, face['visibility'], strict=True):
        if flag:
            yield feature, x, y


def _write_csv(path: Path, faces: Sequence) -> None:
    header = ['image_name', 'scale', 'box_size', 'center_w', 'center_h']
    header += [f'original_{i}_{axis}' for i in range(len(_FEATURES)) for axis in 'xy']
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for face, image in faces:
            box = (face['scale'], face['box_size'], *face['center'])
            writer.writerow([image['file_name'], *box, *_points(face).ravel().tolist()])
