"""Small made sources of AFLW, in its three forms, and a converter of one file of labels."""

import csv
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from helpers.data_factory import SHAPE
from helpers.label_records import photo
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.labelled import ReadOptions

SCHEMA = """
CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
CREATE TABLE FaceImages (image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT,
    bw INT, width INT, height INT);
CREATE TABLE FaceRect (face_id INT, x INT, y INT, w INT, h INT, annot_type_id INT);
CREATE TABLE FacePose (face_id INT, roll REAL, pitch REAL, yaw REAL, annot_type_id INT);
CREATE TABLE FaceMetaData (face_id INT, sex TEXT, occluded INT, glasses INT, bw INT,
    annot_type_id INT);
CREATE TABLE FeatureCoords (face_id INT, feature_id INT, x REAL, y REAL, annot_type_id INT);
"""
# The release's ids of the points, with the ears (13 and 17) left out.
FEATURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 21]


@dataclass
class MadeFace:
    """A face: its photograph, its box and which points are hidden."""

    image: str
    rect: tuple[int, int, int]  # x, y, side
    size_wh: tuple[int, int] = (400, 300)
    hidden: tuple[int, ...] = ()
    points: np.ndarray = field(init=False)

    def __post_init__(self):
        x, y, side = self.rect
        self.points = SHAPE * 0.9 * side + (x + side / 2, y + side / 2)
        self.points += np.arange(38).reshape(19, 2) / 7  # no two alike, no whole numbers


class MadeAflw:
    """Ten faces, the first seven for training; ``order`` is the split."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root / 'aflw'
        self.images = self.out / 'images'
        self.faces = [
            MadeFace('2/image22568.jpg', (268, 140, 362), (853, 1280)),  # of MMPose's tests
            MadeFace('2/image04476.jpg', (102, 121, 128), (439, 500), hidden=(0, 5)),
            MadeFace('0/image00010.jpg', (-3, 20, 101)),  # leaves its photograph; odd
            MadeFace('0/image00011.jpg', (50, 40, 60), hidden=(18,)),
            MadeFace('0/image00011.jpg', (200, 40, 64)),  # two of one photograph
            MadeFace('3/image00012.jpg', (90, 90, 120), hidden=tuple(range(1, 19))),
            MadeFace('3/image00013.png', (300, 200, 150)),  # leaves it too
            MadeFace('3/image00014.jpg', (10, 10, 80)),
            MadeFace('0/image00015.jpg', (10, 10, 80), hidden=(3,)),
            MadeFace('0/image00016.jpg', (12, 10, 80)),
        ]
        self.order = [9, 3, 4, 2, 8, 5, 6, 1, 0, 7]
        for face in self.faces:
            self.draw(face)

    def draw(self, face: MadeFace) -> None:
        path = self.images / 'flickr' / face.image
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((face.size_wh[1], face.size_wh[0]), np.uint8))

    def photo(self, name: str) -> Path:
        return self.images / 'flickr' / name

    def mat(self, **changes) -> Path:
        """Write form b; ``changes`` replace fields, None leaves one out."""
        names = np.empty((len(self.faces), 1), object)
        names[:, 0] = [face.image for face in self.faces]
        content = {
            'nameList': names,
            'bbox': np.array([[x, x + side, y, y + side] for x, y, side in self.rects], float),
            'data': np.array([face.points.T.ravel() for face in self.faces]),
            'mask_new': np.array(
                [[k not in face.hidden for k in range(19)] for face in self.faces], np.uint8
            ),
            'ra': np.array([self.order], float) + 1,
        }
        content = {k: v for k, v in {**content, **changes}.items() if v is not None}
        path = self.root / 'AFLWinfo_release.mat'
        savemat(path, content)
        return path

    @property
    def rects(self) -> list[tuple[int, int, int]]:
        return [face.rect for face in self.faces]

    def split(self, name: str) -> list[MadeFace]:
        rows = self.order[:7] if name == 'train' else self.order[7:]
        faces = [self.faces[row] for row in rows]
        return faces if name != 'test_frontal' else [face for face in faces if not face.hidden]

    def csv(self) -> Path:
        """Write form c."""
        header = ['image_name', 'scale', 'box_size', 'center_w', 'center_h']
        header += [f'original_{i}_{axis}' for i in range(19) for axis in 'xy']
        for name in ('train', 'test', 'test_frontal'):
            with open(self.list_file(name), 'w', newline='') as file:
                writer = csv.writer(file)
                writer.writerow(header)
                for face in self.split(name):
                    x, y, side = face.rect
                    box = [f'{side / 200:.3f}', side, x + side / 2, y + side / 2]
                    writer.writerow([f'flickr/{face.image}', *box, *face.points.ravel()])
        return self.root

    def list_file(self, name: str) -> Path:
        return self.root / f'face_landmarks_aflw_{name}.csv'

    def sqlite(self, *statements: str) -> Path:
        """Write form a, then run ``statements``; the face ids count from 100."""
        path = self.root / 'aflw.sqlite'
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as base:
            base.executescript(SCHEMA)
            for name in dict.fromkeys(face.image for face in self.faces):
                base.execute(
                    'INSERT INTO FaceImages (db_id, file_id, filepath) VALUES (?, ?, ?)',
                    ('flickr', Path(name).name, name),
                )
            for i, face in enumerate(self.faces, 100):
                self._insert(base, i, face)
            for statement in statements:
                base.execute(statement)
            base.commit()
        return path

    @staticmethod
    def _insert(base: sqlite3.Connection, i: int, face: MadeFace) -> None:
        x, y, side = face.rect
        name = Path(face.image).name
        base.execute('INSERT INTO Faces VALUES (?, ?, ?)', (i, name, 'flickr'))
        base.execute('INSERT INTO FaceRect VALUES (?, ?, ?, ?, ?, 0)', (i, x, y, side, side))
        base.execute('INSERT INTO FacePose VALUES (?, 0.25, -0.5, ?, 0)', (i, i / 100))
        sex = 'm' if i % 2 else 'f'
        base.execute('INSERT INTO FaceMetaData VALUES (?, ?, 0, 1, 0, 0)', (i, sex))
        ears = [(i, 13, 1.0, 1.0, 0), (i, 17, 2.0, 2.0, 0)]
        seen = [
            (i, feature, float(px), float(py), 0)
            for k, (feature, (px, py)) in enumerate(zip(FEATURES, face.points, strict=True))
            if k not in face.hidden
        ]
        base.executemany('INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, ?)', seen + ears)


@pytest.fixture
def aflw(tmp_path):
    return MadeAflw(tmp_path)


@pytest.fixture
def set_of(tmp_path):
    """Convert one file of labels beside a photograph ``a.png``."""

    def convert(tool, name, content, names=None, **options):
        path = tmp_path / 'labels' / name
        photo(path.with_name('a.png'))
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding='utf-8')
        report = convert_labels(tool, path, None, tmp_path / 'set', names, ReadOptions(**options))
        content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
        points = [np.reshape(each['keypoints'], (-1, 3)) for each in content['annotations']]
        return report, [each.tolist() for each in points]

    return convert
