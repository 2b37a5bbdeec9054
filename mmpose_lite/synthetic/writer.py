"""Writing of a whole set: plan, render in parallel, save pictures and annotations."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmpose_lite.utils.face_boxes import FACE_BOXES
from mmpose_lite.utils.files import write_json
from mmpose_lite.utils.linux import keep_freed_memory

from .photo import encode_jpeg
from .points import POINT_COUNTS
from .pose import POSES
from .scene import SPLITS, FaceLabel, Style, random_source, render_scene

_INFO = {
    'description': 'Synthetic faces with the points of AFLW (19), 300W (68) or WFLW (98), in the '
    'annotation form of MMPose.',
    'visibility': '1: in the picture and nothing in front of it; 0: hidden. The flags in '
    '"keypoints" are 1 for every point, as in MMPose.',
    'yaw, pitch, roll': 'Radians. The head is turned by Rz(roll) Rx(pitch) Ry(yaw) in a frame with '
    'x to image right, y up and z to the viewer: yaw > 0 looks to image right, pitch > 0 looks '
    'down, roll > 0 tilts the head counter-clockwise in the picture.',
}
_BOX_PADDING = 1.2
GENERATOR_VERSION = 7  # raised whenever the same seed would give other bytes
MANIFEST_NAME = 'manifest.json'
_FOLDERS = {'train': 'flickr/0', 'test': 'flickr/2'}
_PEOPLE_ODDS = {1: 0.90, 2: 0.07, 3: 0.02, 4: 0.01}


def face_annotation(
    label: FaceLabel, annotation_id: int, image_id: int, size_wh: tuple[int, int]
) -> dict[str, Any]:
    """Return the annotation of one face.

    Args:
        label: The face.
        annotation_id: Unique over all splits.
        image_id: The picture's id.
        size_wh: The picture's size; ``bbox`` is clipped to it.
    """
    points = np.round(label.keypoints, 3)
    x, y, side, _ = (int(value) for value in label.bbox_xywh)
    bbox = _padded_box(points, size_wh)
    return {
        'id': annotation_id,
        'image_id': image_id,
        'category_id': 1,
        'iscrowd': 0,
        'keypoints': [value for px, py in points.tolist() for value in (px, py, 1)],
        'num_keypoints': len(points),
        'bbox': bbox,
        'area': round(bbox[2] * bbox[3], 3),
        'center': [x + side / 2, y + side / 2],
        'scale': side / 200,
        'box_size': float(side),
        'visibility': [int(flag) for flag in label.visibility],
        'yaw': round(label.yaw, 6),
        'pitch': round(label.pitch, 6),
        'roll': round(label.roll, 6),
    }


def _padded_box(points: np.ndarray, size_wh: tuple[int, int]) -> list[float]:
    """Return the points' box (x, y, w, h), enlarged about its middle and clipped to the picture."""
    low, high = points.min(0), points.max(0)
    margin = (high - low) * (_BOX_PADDING - 1) / 2
    low, high = (np.clip(corner, 0, size_wh) for corner in (low - margin, high + margin))
    return [round(float(value), 3) for value in (*low, *(high - low))]


def dataset(
    images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return an annotation file's content, with only the images that its annotations use."""
    used = {annotation['image_id'] for annotation in annotations}
    return {
        'info': _INFO,
        'categories': [
            {'supercategory': 'person', 'id': 1, 'name': 'face', 'keypoints': [], 'skeleton': []}
        ],
        'images': [image for image in images if image['id'] in used],
        'annotations': list(annotations),
    }


def frontal_only(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the annotations whose points are all visible."""
    return [annotation for annotation in annotations if all(annotation['visibility'])]


class DatasetError(ValueError):
    """A set cannot be written as asked."""


@dataclass(frozen=True)
class Recipe:
    """Settings that determine every byte of a set.

    Attributes:
        train: Number of training faces.
        test: Number of test faces.
        seed: Any whole number from 0 on.
        points: Name of the labelled points, of ``POINT_COUNTS``.
        boxes: Convention of the boxes, of ``FACE_BOXES``.
        poses: One of ``POSES``.
    """

    train: int
    test: int
    seed: int
    points: str = 'aflw'
    boxes: str = 'head'
    poses: str = 'wide'

    def __post_init__(self) -> None:
        for name in ('train', 'test'):
            if getattr(self, name) < 1:
                raise DatasetError(f'{name} must be at least 1, but is {getattr(self, name)}')
        if self.seed < 0:
            raise DatasetError(f'seed must not be negative, but is {self.seed}')
        known = {'points': POINT_COUNTS, 'boxes': FACE_BOXES, 'poses': POSES}
        for name, names in known.items():
            value = getattr(self, name)
            if value not in names:
                raise DatasetError(f"{name} '{value}' is none of {', '.join(names)}")

    @property
    def style(self) -> Style:
        """Kind of the pictures and labels."""
        return Style(self.points, self.boxes, self.poses)


@dataclass(frozen=True)
class Picture:
    """One picture to render: its faces are ``first`` to ``first + count - 1`` of the split."""

    seed: int
    split: str
    first: int
    count: int
    image_id: int
    style: Style

    @property
    def file_name(self) -> str:
        """Path below ``images/``."""
        return f'{_FOLDERS[self.split]}/image{self.image_id + 1:05d}.jpg'


def plan_pictures(recipe: Recipe) -> list[Picture]:
    """Return every picture of a set; ids count faces, the training faces first."""
    pictures = []
    offset = 0
    for split in SPLITS:
        total = getattr(recipe, split)
        rng = random_source(recipe.seed, split, 0, 2)
        first = 0
        while first < total:
            drawn = int(rng.choice(list(_PEOPLE_ODDS), p=list(_PEOPLE_ODDS.values())))
            count = min(drawn, total - first)
            pictures.append(Picture(recipe.seed, split, first, count, offset + first, recipe.style))
            first += count
        offset += total
    return pictures


def make_dataset(
    out: str | Path,
    recipe: Recipe,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda faces: None,
) -> bool:
    """Write a synthetic set; the bytes do not depend on ``workers``.

    Pictures go to ``out/images``, annotations to ``out/annotations``. A run that was cut short
    is taken up by repeating it.

    Args:
        out: Folder to write; absent, empty, or holding the same set.
        recipe: What to make.
        workers: Number of processes.
        on_progress: Called with the number of faces just finished.

    Returns:
        False if ``out`` already held the finished set and nothing was done.

    Raises:
        DatasetError: ``out`` holds something else, or an argument makes no sense.
    """
    out = Path(out)
    if workers < 1:
        raise DatasetError(f'workers must be at least 1, but is {workers}')
    pictures = plan_pictures(recipe)
    if _claim(out, recipe) and all((out / 'images' / p.file_name).is_file() for p in pictures):
        return False
    for folder in _FOLDERS.values():
        (out / 'images' / folder).mkdir(parents=True, exist_ok=True)
    entries: dict[str, tuple[list, list]] = {split: ([], []) for split in SPLITS}
    for picture, (image, faces) in _render_all(pictures, out, workers):
        entries[picture.split][0].append(image)
        entries[picture.split][1].extend(faces)
        on_progress(picture.count)
    _write_annotations(out / 'annotations', recipe.points, entries)
    write_json(out / MANIFEST_NAME, {**_manifest(recipe), 'complete': True})
    return True


def _claim(out: Path, recipe: Recipe) -> bool:
    """Mark ``out`` as this set's; return whether it was finished before."""
    manifest = out / MANIFEST_NAME
    if out.exists() and not out.is_dir():
        raise DatasetError(f'{out} is not a folder')
    if manifest.is_file():
        found = _read_manifest(manifest)
        complete = found.pop('complete', False)
        if found != _manifest(recipe):
            raise DatasetError(f'{out} holds another set: {found}; asked for {_manifest(recipe)}')
        return bool(complete)
    if out.exists() and any(out.iterdir()):
        raise DatasetError(f'{out} is not empty and holds no synthetic set; name another folder')
    out.mkdir(parents=True, exist_ok=True)
    write_json(manifest, {**_manifest(recipe), 'complete': False})
    return False


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DatasetError(f'{path} is not the manifest of a synthetic set')
    return found


def _manifest(recipe: Recipe) -> dict[str, Any]:
    return {'generator': 'mmpose_lite.synthetic', 'version': GENERATOR_VERSION, **asdict(recipe)}


def _render_all(
    pictures: list[Picture], out: Path, workers: int
) -> Iterator[tuple[Picture, tuple[dict, list[dict]]]]:
    jobs = [(picture, str(out)) for picture in pictures]
    if workers == 1:
        keep_freed_memory()
        yield from zip(pictures, map(_render_picture, jobs), strict=True)
        return
    # Fresh interpreters: a fork could inherit a lock that another thread holds.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        yield from zip(pictures, pool.map(_render_picture, jobs, chunksize=4), strict=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()


def _render_picture(job: tuple[Picture, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Render and save one picture; return its image entry and its annotations."""
    picture, out = job
    numbers = (picture.seed, picture.split, picture.first, picture.count)
    image, labels = render_scene(*numbers, picture.style)
    rng = random_source(picture.seed, picture.split, picture.first, 3)
    (Path(out) / 'images' / picture.file_name).write_bytes(encode_jpeg(rng, image))
    height, width = image.shape[:2]
    entry = {
        'id': picture.image_id,
        'file_name': picture.file_name,
        'height': height,
        'width': width,
    }
    annotations = [
        face_annotation(label, picture.image_id + k, picture.image_id, (width, height))
        for k, label in enumerate(labels)
    ]
    return entry, annotations


def _write_annotations(folder: Path, points: str, entries: dict[str, tuple[list, list]]) -> None:
    folder.mkdir(exist_ok=True)
    test_images, test = entries['test']
    sets = {
        'train': entries['train'],
        'test': (test_images, test),
        'test_frontal': (test_images, frontal_only(test)),
    }
    for name, (images, faces) in sets.items():
        write_json(folder / f'face_landmarks_{points}_{name}.json', dataset(images, faces))
