"""The photographs that both sides work on: rendered faces in AFLW's form."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmpose_lite.synthetic import Recipe, make_dataset

ANNOTATIONS = 'annotations/face_landmarks_aflw_{}.json'
_JPEG_QUALITY = 90
# Of a pixel's 255 levels: what a camera adds, and what enlarging takes away.
_NOISE = 3


@dataclass(frozen=True)
class Format:
    """A size of photographs: rendered pictures, enlarged and continued on all sides.

    Attributes:
        megapixels: Size of the photographs.
        zoom: How much the pictures, and the faces in them, are enlarged, where there is room.
    """

    megapixels: float
    zoom: float

    @property
    def name(self) -> str:
        """Such as ``0.2 MP``."""
        return f'{self.megapixels} MP'

    @property
    def sizes(self) -> tuple[Format, ...]:
        """The sizes that photographs have by turns: this one."""
        return (self,)


@dataclass(frozen=True)
class Mixture:
    """Photographs of several sizes by turns, as many of each."""

    sizes: tuple[Format, ...]

    @property
    def name(self) -> str:
        """Such as ``0.2 and 1.1 MP``."""
        return ' and '.join(str(form.megapixels) for form in self.sizes) + ' MP'


SMALL = Format(0.2, 1.0)
LARGE = Format(1.1, 1.6)
MIXED = Mixture((SMALL, LARGE))
FORMATS = (SMALL, LARGE, MIXED)


def render(folder: Path, photographs: int, workers: int = 1) -> Path:
    """Render that many training faces, and half as many test faces, for :func:`make_face_set`."""
    make_dataset(folder, Recipe(photographs, max(1, photographs // 2), seed=0), workers)
    return folder


def make_face_set(
    rendered: Path, root: Path, form: Format | Mixture, train: int, test: int
) -> dict[str, float]:
    """Write a set of faces in AFLW's form: a few photographs under many names.

    Annotations are read and photographs opened as often as in a set of this size; only the bytes
    repeat, so that the files fit into the machine's file cache.

    Args:
        rendered: Folder of :func:`render`.
        root: Folder to write, the config's ``data_root``.
        form: Size of the photographs, or several.
        train: Number of training faces.
        test: Number of test faces.

    Returns:
        What the photographs are like: their number, bytes a pixel, and quantiles of the faces.
    """
    (root / 'annotations').mkdir(parents=True)
    described: dict[str, float] = {}
    for split, count, folder in (('train', train, '0'), ('test', test, '2')):
        found = json.loads((rendered / ANNOTATIONS.format(split)).read_text(encoding='utf-8'))
        originals = _write_photographs(rendered, root, found, form)
        (root / 'images' / 'flickr' / folder).mkdir(parents=True)
        images, faces = _repeat(root, originals, f'flickr/{folder}', count)
        _write(root, split, images, faces)
        if split == 'train':
            described = _describe(root, originals)
    visible = [face for face in faces if all(face['visibility'])]
    _write(root, 'test_frontal', images, visible)
    return described


def _write_photographs(
    rendered: Path, root: Path, found: dict[str, Any], form: Format | Mixture
) -> list[tuple[dict, list[dict]]]:
    """Enlarge the pictures; return the entry of each with those of its faces."""
    rng = np.random.default_rng(0)
    faces: dict[int, list[dict]] = {}
    for face in found['annotations']:
        faces.setdefault(face['image_id'], []).append(face)
    originals = []
    for image, turn in zip(found['images'], itertools.cycle(form.sizes), strict=False):
        content = np.fromfile(rendered / 'images' / image['file_name'], np.uint8)
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))
        photograph, zoom, offset = _enlarge(picture, turn)
        noisy = photograph + rng.normal(0, _NOISE, photograph.shape)
        photograph = np.clip(noisy, 0, 255).astype(np.uint8)
        path = root / 'photographs' / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), photograph, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        height, width = photograph.shape[:2]
        moved = [_move(face, zoom, offset) for face in faces[image['id']]]
        originals.append(({**image, 'height': height, 'width': width}, moved))
    return originals


def _enlarge(picture: np.ndarray, form: Format) -> tuple[np.ndarray, float, np.ndarray]:
    """Enlarge a picture and continue it by its mirrors; return also its zoom and place (x, y)."""
    growth = (form.megapixels * 1e6 / (picture.shape[0] * picture.shape[1])) ** 0.5
    height, width = (round(side * growth) for side in picture.shape[:2])
    zoom = min(form.zoom, growth)
    picture = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    bottom, right = height - picture.shape[0] - top, width - picture.shape[1] - left
    photograph = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    return photograph, zoom, np.array([left, top])


def _move(face: dict[str, Any], zoom: float, offset: np.ndarray) -> dict[str, Any]:
    """Follow a face to its place in the photograph."""
    points = np.array(face['keypoints'], dtype=float).reshape(-1, 3)
    points[:, :2] = points[:, :2] * zoom + offset
    x, y, width, height = (value * zoom for value in face['bbox'])
    return {
        **face,
        'keypoints': points.round(3).ravel().tolist(),
        'bbox': [x + int(offset[0]), y + int(offset[1]), width, height],
        'area': width * height,
        'center': (np.array(face['center']) * zoom + offset).tolist(),
        'scale': face['scale'] * zoom,
        'box_size': face['box_size'] * zoom,
    }


def _repeat(
    root: Path, originals: list[tuple[dict, list[dict]]], folder: str, count: int
) -> tuple[list[dict], list[dict]]:
    """Enter photographs again and again, each time as a file of its own, up to so many faces."""
    images: list[dict] = []
    faces: list[dict] = []
    for image, own in itertools.cycle(originals):
        if len(faces) >= count:
            return images, faces
        name = f'{folder}/image{len(images) + 1:05d}.jpg'
        os.link(root / 'photographs' / image['file_name'], root / 'images' / name)
        for face in own[: count - len(faces)]:
            faces.append({**face, 'id': len(faces), 'image_id': len(images)})
        images.append({**image, 'id': len(images), 'file_name': name})
    raise ValueError('no photographs')


def _write(root: Path, split: str, images: list[dict], faces: list[dict]) -> None:
    used = {face['image_id'] for face in faces}
    content = {
        'categories': [{'id': 1, 'name': 'face', 'supercategory': 'person'}],
        'images': [image for image in images if image['id'] in used],
        'annotations': faces,
    }
    path = root / ANNOTATIONS.format(split)
    path.write_text(json.dumps(content), encoding='utf-8')


def _describe(root: Path, originals: list[tuple[dict, list[dict]]]) -> dict[str, float]:
    """Say what the photographs are like."""
    paths = [root / 'photographs' / image['file_name'] for image, _ in originals]
    pixels = sum(image['width'] * image['height'] for image, _ in originals)
    sides = [face['box_size'] for face in _faces(originals)]
    low, middle, high = np.quantile(sides, [0.1, 0.5, 0.9])
    return {
        'photographs': len(paths),
        'megapixels': round(pixels / len(paths) / 1e6, 3),
        'bytes_per_pixel': round(sum(path.stat().st_size for path in paths) / pixels, 3),
        'face_px_10_percent': float(low),
        'face_px_median': float(middle),
        'face_px_90_percent': float(high),
    }


def _faces(originals: list[tuple[dict, list[dict]]]) -> Iterator[dict]:
    for _, faces in originals:
        yield from faces
