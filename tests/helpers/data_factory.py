"""A tiny set of drawn faces in AFLW's form: discs at the points, of which each has its colour."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# Where the 19 points are in a box from (-0.5, -0.5) to (0.5, 0.5).
SHAPE = np.array(
    [
        [-0.36, -0.22], [-0.24, -0.28], [-0.10, -0.24], [0.10, -0.24], [0.24, -0.28], [0.36, -0.22],
        [-0.30, -0.10], [-0.21, -0.11], [-0.12, -0.10], [0.12, -0.10], [0.21, -0.11], [0.30, -0.10],
        [-0.09, 0.10], [0.00, 0.08], [0.09, 0.10],
        [-0.18, 0.25], [0.00, 0.26], [0.18, 0.25],
        [0.00, 0.42],
    ]
)  # fmt: skip

ANNOTATIONS = 'annotations/face_landmarks_aflw_{}.json'


def make_face_set(root: Path, train: int = 8, test: int = 5) -> Path:
    """Write images and annotations; the frontal test faces are those with even ids.

    Test faces are the first training faces, so that a model that has learnt these by heart has a
    small error. The first training face's box leaves its image.
    """
    (root / 'images').mkdir(parents=True)
    (root / 'annotations').mkdir()
    rng = np.random.default_rng(0)
    faces = [draw_face(root, i, rng) for i in range(max(train, test))]
    write_annotations(root, 'train', faces[:train])
    write_annotations(root, 'test', faces[:test])
    # Files number their faces each in their own way.
    frontal = [
        (image, {**annotation, 'id': 900 + annotation['id']})
        for image, annotation in faces[:test]
        if annotation['id'] % 2 == 0
    ]
    write_annotations(root, 'test_frontal', frontal)
    return root


def draw_face(root: Path, index: int, rng: np.random.Generator) -> tuple[dict, dict]:
    """Draw face ``index`` into an image of its own; return both records."""
    width, height = (int(side) for side in rng.integers(80, 120, size=2))
    side = 64 + 2 * (index % 3)
    center = (20, 30) if index == 0 else (width // 2, height // 2 + index % 4)
    # Turned so far that the mean of the faces is a poor answer for each of them.
    turn, share = rng.uniform(-1, 1), rng.uniform(0.7, 1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = SHAPE @ rotation.T * share * side + center

    image = np.full((height, width, 3), rng.integers(60, 190, size=3), np.uint8)
    image[::4] = image[::4] // 2
    cv2.circle(image, center, side // 2, (200, 220, 240), thickness=-1)
    for i, (x, y) in enumerate(points):
        color = [int(level) for level in (i * 53 % 200, i * 97 % 200, i * 151 % 200)]
        cv2.circle(image, (round(x), round(y)), 3, color, thickness=-1)
    name = f'face{index}.png'
    cv2.imwrite(str(root / 'images' / name), image)
    return records(index + 1, name, (width, height), center, side, points)


def records(
    face_id: int,
    name: str,
    size_wh: tuple[int, int],
    center: tuple[float, float],
    side: float,
    points: np.ndarray,
) -> tuple[dict, dict]:
    """The image's and the face's entries of an annotation file."""
    image = {'id': face_id, 'file_name': name, 'width': size_wh[0], 'height': size_wh[1]}
    low, high = points.min(axis=0), points.max(axis=0)
    annotation = {
        'id': face_id,
        'image_id': face_id,
        'keypoints': np.hstack([points, np.ones((len(points), 1))]).ravel().tolist(),
        'num_keypoints': len(points),
        'bbox': [*low.tolist(), *(high - low).tolist()],
        'area': float(np.prod(high - low)),
        'iscrowd': 0,
        'category_id': 1,
        'center': list(center),
        'scale': side / 200,
        'box_size': side,
    }
    return image, annotation


def write_annotations(root: Path, split: str, faces: list[tuple[dict, dict]]) -> Path:
    """Write an annotation file; return its path."""
    content: dict[str, Any] = {
        'images': [image for image, _ in faces],
        'annotations': [annotation for _, annotation in faces],
        'categories': [{'id': 1, 'name': 'face', 'supercategory': 'person'}],
    }
    path = root / ANNOTATIONS.format(split)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def hide_points(root: Path, split: str, *faces: int) -> Path:
    """Mark all points of some faces (by their places) as not visible; return the file's path."""
    path = root / ANNOTATIONS.format(split)
    content = json.loads(path.read_text(encoding='utf-8'))
    for face in faces:
        keypoints = content['annotations'][face]['keypoints']
        keypoints[2::3] = [0.0] * (len(keypoints) // 3)
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


TINY_CONFIG = """
_base_ = ['{base}']

codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
model = dict(
    backbone=dict(
        init_cfg=None,
        extra=dict(
            stage1=dict(num_blocks=(1,), num_channels=(8,)),
            stage2=dict(num_blocks=(1, 1), num_channels=(8, 8)),
            stage3=dict(num_modules=1, num_blocks=(1, 1, 1), num_channels=(8, 8, 8)),
            stage4=dict(num_modules=1, num_blocks=(1, 1, 1, 1), num_channels=(8, 8, 8, 8)),
        ),
    ),
    head=dict(in_channels=32, conv_out_channels=(32,), decoder=codec),
)
train_cfg = dict(max_epochs=2, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=1e-2))
param_scheduler = []
default_hooks = dict(logger=dict(interval=1))
randomness = dict(seed=0)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [train_pipeline[0], train_pipeline[1], train_pipeline[2], train_pipeline[4]]
data_root = '{data_root}'
train_dataloader = dict(
    batch_size=8, num_workers=0, dataset=dict(data_root=data_root, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=4, num_workers=0, dataset=dict(data_root=data_root, pipeline=val_pipeline)
)
test_dataloader = val_dataloader
"""


def write_tiny_config(folder: Path, data_root: Path) -> Path:
    """Write a config that makes the AFLW recipe tiny: 64x64 crops, few channels, no workers."""
    from mmpose_lite.structures import config_root

    aflw = config_root() / 'face_2d_keypoint' / 'topdown_heatmap' / 'aflw'
    base = aflw / 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
    path = folder / 'tiny.py'
    path.write_text(TINY_CONFIG.format(base=base, data_root=data_root), encoding='utf-8')
    return path
