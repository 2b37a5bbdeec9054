"""Distances between predicted and true points, and curves of the errors of faces.

Shapes throughout: N faces, K points, D dimensions; ``pred`` and ``gt``, predicted and true points,
are ``(N, K, D)`` in one frame, and ``mask`` ``(N, K)``, bool, marks those that count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy import ndarray

from mmpose_lite.codecs.utils import get_heatmap_maximum, get_simcc_maximum


def keypoint_distances(pred: ndarray, gt: ndarray, mask: ndarray, norm_factor: ndarray) -> ndarray:
    """Compute normalised distances ``(N, K)``, float32; -1 if a point or its face does not count.

    ``norm_factor`` is each face's size, ``(N, 1)`` or ``(N, D)``; one of size 0 does not count.
    """
    factor = np.asarray(norm_factor, dtype=np.float64)
    counts = np.asarray(mask, dtype=bool) & (factor != 0).all(axis=1)[:, None]
    safe = np.where(factor == 0, 1, factor)[:, None]
    apart = np.linalg.norm((np.asarray(pred) - gt) / safe, axis=-1)
    return np.where(counts, apart, -1).astype(np.float32)


def keypoint_nme(pred: ndarray, gt: ndarray, mask: ndarray, normalize_factor: ndarray) -> float:
    """Compute the normalised mean error over all points that count, as a fraction.

    ``normalize_factor`` is the size of each face, ``(N, 1)`` or ``(N, D)``.

    Raises:
        ValueError: If no point counts, the normaliser of a face that counts is not above 0, or a
            point is not finite; the message names the face's number.

    Source: MMPose's ``keypoint_nme``, which returns 0.0 in these cases.
    """
    mask, sizes = np.asarray(mask, dtype=bool), np.asarray(normalize_factor)
    is_sized = (np.isfinite(sizes) & (sizes > 0)).all(axis=1)
    is_real = np.isfinite(pred).all(axis=-1) & np.isfinite(gt).all(axis=-1)
    if not mask.any() or (mask & ~(is_real & is_sized[:, None])).any():
        raise ValueError(_about_nme(pred, mask, sizes, is_sized, is_real))
    distances = keypoint_distances(pred, gt, mask, sizes)
    return float(distances[distances != -1].mean(dtype=np.float64))


def _about_nme(
    pred: ndarray, mask: ndarray, sizes: ndarray, is_sized: ndarray, is_real: ndarray
) -> str:
    if not mask.any():
        return 'an NME over no point is not a number: no face has a point that counts'
    unsized = mask.any(axis=1) & ~is_sized
    if unsized.any():
        face = unsized.argmax()
        return f'face {face}: the normaliser {sizes[face]} is not above 0'
    face, point = np.argwhere(mask & ~is_real)[0]
    name = 'truth' if np.isfinite(pred[face, point]).all() else 'prediction'
    return f'face {face}: the {name} of point {point} is not finite'


def keypoint_epe(pred: ndarray, gt: ndarray, mask: ndarray) -> float:
    """Compute the end-point error: the mean distance over all points that count, in their unit.

    Raises:
        ValueError: If no point counts.
    """
    return keypoint_nme(pred, gt, mask, np.ones((len(pred), 1)))


def keypoint_pck_accuracy(
    pred: ndarray, gt: ndarray, mask: ndarray, thr: float, norm_factor: ndarray
) -> tuple[ndarray, float, int]:
    """Compute the percentage of correct keypoints: the share of distances below a threshold.

    Distances are those of :func:`keypoint_distances`.

    Returns:
        The share of each point over the faces, ``(K,)``, -1 if none counts; the mean over the
        points that have one (NaN for none; MMPose returns 0.0); and their number.
    """
    distances = keypoint_distances(pred, gt, mask, norm_factor)
    counted = distances != -1
    hits = (counted & (distances < thr)).sum(axis=0)
    totals = counted.sum(axis=0)
    shares = np.where(totals > 0, hits / np.maximum(totals, 1), -1.0)
    known = shares[totals > 0]
    return shares, float(known.mean()) if len(known) else math.nan, len(known)


def keypoint_auc(
    pred: ndarray, gt: ndarray, mask: ndarray, norm_factor: float, num_thrs: int = 20
) -> float:
    """Compute the area under the PCK curve over thresholds 0, 1 / num_thrs, ... of a distance.

    ``norm_factor`` is the distance that a threshold of 1 stands for, in the points' unit.

    Raises:
        ValueError: If no point counts; MMPose returns 0.0.
    """
    if not np.any(mask):
        raise ValueError('an AUC over no point is not a number: no face has a point that counts')
    factors = np.full((len(pred), 2), norm_factor, dtype=np.float64)
    thresholds = np.arange(num_thrs) / num_thrs
    shares = [keypoint_pck_accuracy(pred, gt, mask, thr, factors)[1] for thr in thresholds]
    return float(np.mean(shares))


def pose_pck_accuracy(
    output: ndarray,
    target: ndarray,
    mask: ndarray,
    thr: float = 0.05,
    normalize: ndarray | None = None,
) -> tuple[ndarray, float, int]:
    """Compute the PCK of the peaks of heatmaps ``(N, K, H, W)``; see :func:`keypoint_pck_accuracy`.

    ``normalize`` is ``(N, 2)``, height and width of the maps by default.
    """
    if normalize is None:
        normalize = np.tile(np.array([output.shape[2:]], dtype=np.float64), (len(output), 1))
    pred, _ = get_heatmap_maximum(torch.from_numpy(output))
    gt, _ = get_heatmap_maximum(torch.from_numpy(target))
    return keypoint_pck_accuracy(pred.numpy(), gt.numpy(), mask, thr, normalize)


def simcc_pck_accuracy(
    output: Sequence[ndarray],
    target: Sequence[ndarray],
    simcc_split_ratio: float,
    mask: ndarray,
    thr: float = 0.05,
    normalize: ndarray | None = None,
) -> tuple[ndarray, float, int]:
    """Compute the PCK of the peaks of SimCC's vectors; see :func:`keypoint_pck_accuracy`.

    ``output`` and ``target`` are each a pair of vectors ``(N, K, L)`` along x and y, of
    ``simcc_split_ratio`` bins to a pixel. ``normalize`` is ``(N, 2)``, pixels, height and width of
    the input by default.
    """
    x, y = output
    if normalize is None:
        height_width = [int(each.shape[-1] / simcc_split_ratio) for each in (y, x)]
        normalize = np.tile(np.array([height_width], dtype=np.float64), (len(x), 1))
    pred, gt = (
        get_simcc_maximum(torch.from_numpy(x), torch.from_numpy(y))[0].numpy() / simcc_split_ratio
        for x, y in (output, target)
    )
    return keypoint_pck_accuracy(pred, gt, mask, thr, normalize)


def multilabel_classification_accuracy(
    pred: ndarray, gt: ndarray, mask: ndarray, thr: float = 0.5
) -> float:
    """Compute the share of samples whose labels ``(N, L)`` are all correct.

    Confidences above ``thr`` mean 1. A sample counts only if all of its labels do; the share is NaN
    if none counts, for which MMPose returns 0.0.
    """
    whole = np.asarray(mask > 0).all(axis=1)
    if not whole.any():
        return math.nan
    right = ((pred[whole] - thr) * (gt[whole] - thr) > 0).all(axis=1)
    return float(right.mean())


def error_shares(errors: ndarray, limits: ndarray) -> ndarray:
    """Compute the cumulative error distribution: the share of errors ``(N,)`` up to each limit."""
    ranked = np.sort(np.asarray(errors, dtype=np.float64))
    return np.searchsorted(ranked, limits, side='right') / len(ranked)


def failures(errors: ndarray, limit: float) -> ndarray:
    """Mark errors ``(N,)`` above a limit with 1.0, others with 0.0; the mean is the rate."""
    return (np.asarray(errors) > limit).astype(np.float64)


def areas(errors: ndarray, limit: float) -> ndarray:
    """Compute each face's area ``(N,)`` under its curve of :func:`error_shares` up to a limit.

    The curve of a face with error e steps from 0 to 1 at e, so its area relative to the limit is
    ``max(0, limit - e) / limit``. The mean over faces is the area under the whole curve, exact and
    without a grid: 1 if all errors are 0, and 0 if none is below the limit.
    """
    return np.maximum(0.0, limit - np.asarray(errors, dtype=np.float64)) / limit
