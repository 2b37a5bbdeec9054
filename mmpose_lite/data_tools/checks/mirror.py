"""Whether left and right are where the declared mirror pairs say."""

from __future__ import annotations

import os.path as osp

import numpy as np
from numpy import ndarray

from .findings import Finding
from .records import Faces
from .splits import Split

# Sets whose "left" is the image's: the first point of each pair lies further left.
_IMAGE_LEFT = ('aflw',)
# Fewer faces may all be turned.
_FEWEST = 5
# As shares of the box's side: pairs that are no farther apart have no side, and centres of pairs
# lie within this of each other.
_NO_SIDE, _OFF_CENTRE = 0.01, 0.1
# The mean over faces that agree is nearly that without signs; with a quarter swapped it is half.
_AGREEMENT = 0.5
# A face is another way round where this share of its misfit, or less, is left once it is swapped.
_CLEARLY = 0.5


def check_mirror_pairs(split: Split, faces: Faces) -> tuple[list[Finding], float | None]:
    """Compare the mean face with the mirror pairs, and each face with the mean one.

    Returns:
        What is wrong, and how far apart the points of a pair are in the middle, in sides of the
        box, positive where the first is on the image's left; None where there are too few faces.
    """
    meta = split.dataset.metainfo
    each_once = sorted({tuple(sorted(pair)) for pair in meta['flip_pairs']})
    pairs = np.array(each_once, dtype=int).reshape(-1, 2)
    if len(faces.records) < _FEWEST or not len(pairs):
        return [], None
    names = meta['keypoint_id2name']
    side = (faces.bbox_xyxy[:, 2:] - faces.bbox_xyxy[:, :2]).max(axis=1)
    middle = (faces.bbox_xyxy[:, 2:] + faces.bbox_xyxy[:, :2]) / 2
    points = (faces.points - middle[:, None]) / side[:, None, None]
    both = faces.labelled[:, pairs[:, 0]] & faces.labelled[:, pairs[:, 1]]
    used = both.sum(axis=0) >= _FEWEST
    pairs, both = pairs[used], both[:, used]
    if not len(pairs):
        return [], None
    across = points[:, pairs[:, 1]] - points[:, pairs[:, 0]]
    agreement = np.abs(_mean(across, both)) / np.maximum(_mean(np.abs(across), both), 1e-9)
    # Medians: a few points far away must not make a pair look wrong.
    apart = _median(across, both)
    centre = _median(points[:, pairs].mean(axis=2), both)
    problems = _whole_set(meta['dataset_name'], apart[:, 0], agreement[:, 0])
    for k in _no_pairs(apart, centre):
        first, second = (names[i] for i in pairs[k])
        problems.append(
            f'{first} and {second} are no mirror pair: in the median face they are '
            f'({apart[k, 0]:.2f}, {apart[k, 1]:.2f}) sides apart about '
            f'({centre[k, 0]:.2f}, {centre[k, 1]:.2f})'
        )
    file = osp.basename(split.ann_file)
    found = [Finding(split.name, 'left-right', file, problem) for problem in problems]
    for i in swapped_faces(points, faces.labelled, np.array(meta['flip_indices'])):
        record = faces.records[i]
        where = f'{file}, annotation id {record.annotation["id"]!r}'
        image = record.image['file_name']
        problem = f'left and right may be swapped in image {image!r}: swapped, the face fits better'
        found.append(Finding(split.name, 'left-right', where, problem, is_fault=False))
    return found, float(apart[:, 0].mean())


def swapped_faces(points: ndarray, labelled: ndarray, flip_indices: ndarray) -> list[int]:
    """Find faces that resemble the mean face more once left and right are swapped.

    Args:
        points: ``(N, K, 2)``, in the frame of the box.
        labelled: ``(N, K)``; faces with points missing are left out.
        flip_indices: The mirror point of each point.
    """
    whole = np.flatnonzero(labelled.all(axis=1))
    if len(whole) < _FEWEST:
        return []
    shapes = points[whole, :, 0] + 1j * points[whole, :, 1]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = shapes / np.maximum(np.abs(shapes).max(axis=1, keepdims=True), 1e-9)
    mean = np.median(shapes.real, axis=0) + 1j * np.median(shapes.imag, axis=0)
    as_is, swapped = _misfit(shapes, mean), _misfit(shapes[:, flip_indices], mean)
    return [int(i) for i in whole[swapped < _CLEARLY * as_is]]


def _misfit(shapes: ndarray, mean: ndarray) -> ndarray:
    """What the best turn and scale of the mean leaves of each shape, as a share of its size."""
    along = np.abs(shapes @ mean.conj()) ** 2 / np.vdot(mean, mean).real
    size = (np.abs(shapes) ** 2).sum(axis=1)
    return 1 - along / np.maximum(size, 1e-12)


def _mean(values: ndarray, is_used: ndarray) -> ndarray:
    """Mean over the faces, ``(P, 2)``."""
    return (values * is_used[..., None]).sum(axis=0) / is_used.sum(axis=0)[:, None]


def _median(values: ndarray, is_used: ndarray) -> ndarray:
    """Median over the faces, ``(P, 2)``."""
    return np.nanmedian(np.where(is_used[..., None], values, np.nan), axis=0)


def _whole_set(name: str, apart: ndarray, agreement: ndarray) -> list[str]:
    if np.median(agreement) < _AGREEMENT:
        return [
            'faces do not agree on what is left: the mean distance across mirror pairs is '
            f'{100 * np.median(agreement):.0f} % of what it is without signs; are some swapped?'
        ]
    sign = np.sign(np.median(apart))
    if name in _IMAGE_LEFT and sign < 0:
        return [
            f"left and right are swapped: in '{name}' left is the image's, and on average the left "
            f'points lie {-np.median(apart):.2f} sides to the right of theirs'
        ]
    return []


def _no_pairs(apart: ndarray, centre: ndarray) -> list[int]:
    """Pairs that lie the other way round, on one side of the face, or askew."""
    width = np.abs(apart[:, 0])
    tolerance = np.maximum(0.5 * width, _OFF_CENTRE)
    other_way = np.sign(apart[:, 0]) != np.sign(np.median(apart[:, 0]))
    aside = np.abs(centre[:, 0] - np.median(centre[:, 0])) > tolerance
    askew = np.abs(apart[:, 1]) > tolerance
    return [int(k) for k in np.flatnonzero((other_way & (width > _NO_SIDE)) | aside | askew)]
