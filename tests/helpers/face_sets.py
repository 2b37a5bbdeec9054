"""Tiny sets of drawn faces, each in the form of its data set's annotations."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIZE_WH = (96, 88)
SIDE = 60.0

# Data set -> its number of points, its image folders, and its annotation files: how many faces.
# A face of a number is the same in all files of a set.
FORMS: dict[str, dict[str, Any]] = {
    'AFLWDataset': {
        'points': 19,
        'images': ['images'],
        'files': {
            'face_landmarks_aflw_train': range(4),
            'face_landmarks_aflw_test': range(3),
            'face_landmarks_aflw_test_frontal': [1],
        },
    },
    'Face300WDataset': {
        'points': 68,
        'images': ['images'],
        'files': {
            'face_landmarks_300w_train': range(4),
            'face_landmarks_300w_valid': range(3),
            'face_landmarks_300w_valid_common': [0, 2],
            'face_landmarks_300w_valid_challenge': [1],
            'face_landmarks_300w_test': [3, 4],
        },
    },
    'Face300VWDataset': {
        'points': 68,
        'images': ['images'],
        'files': {'face_landmarks_300vw_train': range(4), 'face_landmarks_300vw_test': range(3)},
    },
    'Face300WLPDataset': {
        'points': 68,
        'images': ['train', 'val'],
        'files': {
            'face_landmarks_300wlp_train': range(4),
            'face_landmarks_300wlp_valid': range(3),
        },
    },
    'COFWDataset': {
        'points': 29,
        'images': ['images'],
        'files': {'cofw_train': range(4), 'cofw_test': range(3)},
    },
    'WFLWDataset': {
        'points': 98,
        'images': ['images'],
        'files': {
            'face_landmarks_wflw_train': range(4),
            'face_landmarks_wflw_test': range(3),
            'face_landmarks_wflw_test_largepose': [0],
            'face_landmarks_wflw_test_expression': [1],
            'face_landmarks_wflw_test_illumination': [2],
            'face_landmarks_wflw_test_makeup': [0, 1],
            'face_landmarks_wflw_test_occlusion': [0, 2],
            'face_landmarks_wflw_test_blur': [1, 2],
        },
    },
    'CocoWholeBodyFaceDataset': {
        'points': 68,
        'images': ['train2017', 'val2017'],
        'files': {
            'coco_wholebody_train_v1.0': range(4),
            'coco_wholebody_val_v1.0': range(3),
        },
    },
    'LapaDataset': {
        'points': 106,
        'images': ['', 'images'],
        'files': {'lapa_train': range(4), 'lapa_val': range(3), 'lapa_test': range(3)},
    },
    'HalpeDataset': {
        'points': 136,
        'images': ['images'],
        'files': {'halpe_train_133kpt': range(4), 'halpe_val_v1': range(3)},
    },
}


def points_of(face: int, count: int) -> np.ndarray:
    """The points of a face: on a spiral about the middle of its photograph."""
    turn = np.linspace(0, 13, count) + 0.4 * face
    radius = np.linspace(4, 0.45 * SIDE, count)[:, None]
    return radius * np.stack([np.cos(turn), np.sin(turn)], axis=1) + np.array(SIZE_WH) / 2


def annotate(kind: str, face: int, image_id: int = 0) -> dict[str, Any]:
    """The annotation of a face in its data set's form."""
    points = points_of(face, FORMS[kind]['points'])
    low, high = points.min(axis=0), points.max(axis=0)
    flat = np.hstack([points, np.ones((len(points), 1))]).ravel().tolist()
    bbox = [*low.tolist(), *(high - low).tolist()]
    annotation = {'id': face + 1, 'image_id': image_id or face + 1, 'iscrowd': 0, 'category_id': 1}
    if kind == 'CocoWholeBodyFaceDataset':
        body = {'keypoints': [0] * 51, 'num_keypoints': 0, 'bbox': [0, 0, *SIZE_WH]}
        return {**annotation, **body, 'face_kpts': flat, 'face_box': bbox, 'face_valid': True}
    annotation |= {'keypoints': flat, 'num_keypoints': len(points), 'bbox': bbox}
    annotation['area'] = bbox[2] * bbox[3]
    if kind in ('AFLWDataset', 'Face300VWDataset', 'Face300WDataset', 'WFLWDataset'):
        annotation |= {'center': [side / 2 for side in SIZE_WH], 'scale': SIDE / 200}
    if kind == 'AFLWDataset':
        annotation['box_size'] = SIDE
    return annotation


def write_file(path: Path, annotations: list[dict[str, Any]]) -> Path:
    """Write an annotation file of faces with a photograph each."""
    width, height = SIZE_WH
    images = [
        {
            'id': each['image_id'],
            'file_name': f'face{each["image_id"]}.png',
            'width': width,
            'height': height,
        }
        for each in annotations
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'face'}],
    }
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def write_image(path: Path, face: int, count: int) -> None:
    """Draw a face: a disc at each point."""
    image = np.full((*SIZE_WH[::-1], 3), 90 + 10 * face, np.uint8)
    for i, (x, y) in enumerate(points_of(face, count)):
        color = [int(level) for level in (i * 53 % 200, i * 97 % 200, i * 151 % 200)]
        cv2.circle(image, (round(x), round(y)), 2, color, thickness=-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def make_parts(root: Path, datasets: Iterable[Mapping[str, Any]], count: int) -> None:
    """Write the files of data sets, by their configs, of so many faces each below one folder."""
    for dataset in datasets:
        kind = dataset['type']
        annotations = [annotate(kind, face) for face in range(count)]
        write_file(root / dataset['ann_file'], annotations)
        for face in range(count):
            path = root / dataset['data_prefix']['img'] / f'face{face + 1}.png'
            write_image(path, face, FORMS[kind]['points'])


def make_set(root: Path, kind: str) -> Path:
    """Write all files of a data set that its configs name."""
    form = FORMS[kind]
    for name, faces in form['files'].items():
        annotations = [annotate(kind, face) for face in faces]
        write_file(root / 'annotations' / f'{name}.json', annotations)
    for folder in form['images']:
        for face in range(5):
            write_image(root / folder / f'face{face + 1}.png', face, form['points'])
    return root
