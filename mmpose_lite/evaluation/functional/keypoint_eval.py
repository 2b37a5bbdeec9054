"""Distances between predicted and true points.

Shapes throughout: N faces, K points, D dimensions; ``mask`` ``(N, K)`` says which points count.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy import ndarray

from mmpose_lite.codecs.utils import get_heatmap_maximum


def keypoint_distances(pred: ndarray, gt: ndarray, mask: ndarray, norm_factor: ndarray) -> ndarray:
    """Normalised distances ``(N, K)``, float32, -1 where a point or its face does not count.

    Args:
        pred: ``(N, K, D)``.
        gt: ``(N, K, D)``.
        mask: ``(N, K)``, bool.
        norm_factor: ``(N, 1)`` or ``(N, D)``; a face whose factor is 0 does not count.
    """
    factor = np.asarray(norm_factor, dtype=np.float64)
    counts = np.asarray(mask, dtype=bool) & (factor != 0).all(axis=1)[:, None]
    safe = np.where(factor == 0, 1, factor)[:, None]
    apart = np.linalg.norm((np.asarray(pred) - gt) / safe, axis=-1)
    return np.where(counts, apart, -1).astype(np.float32)


def keypoint_nme(pred: ndarray, gt: ndarray, mask: ndarray, normalize_factor: ndarray) -> float:
    """Normalised mean error: the mean over all points that count, as a fraction.

    Args:
        pred: ``(N, K, D)``, predicted.
        gt: ``(N, K, D)``, true, in the same frame.
        mask: ``(N, K)``, bool.
        normalize_factor: ``(N, 1)`` or ``(N, D)``, what each face's distances are divided by.

    Raises:
        ValueError: If no point counts, a normaliser of a face that counts is not above 0, or a
            prediction is not finite; the message names the face's number.

    Source: MMPose's ``keypoint_nme``, which answers 0.0 to these three.
    """
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        raise ValueError('an NME over no point is no number: no face has a point that counts')
    counts = mask.any(axis=1)
    bad = counts & ~(np.isfinite(normalize_factor) & (np.asarray(normalize_factor) > 0)).all(axis=1)
    if bad.any():
        face = int(np.flatnonzero(bad)[0])
        raise ValueError(f'face {face}: the normaliser {normalize_factor[face]} is not above 0')
    for name, points in (('prediction', pred), ('truth', gt)):
        unreal = ~np.isfinite(points).all(axis=-1) & mask
        if unreal.any():
            face, point = (int(i) for i in np.argwhere(unreal)[0])
            raise ValueError(f'face {face}: the {name} of point {point} is not finite')
    distances = keypoint_distances(pred, gt, mask, normalize_factor)
    return float(distances[distances != -1].mean(dtype=np.float64))


def keypoint_epe(pred: ndarray, gt: ndarray, mask: ndarray) -> float:
    """End-point error: the mean distance over all points that count, in the points' unit.

    Args:
        pred: ``(N, K, D)``.
        gt: ``(N, K, D)``.
        mask: ``(N, K)``, bool.

    Raises:
        ValueError: If no point counts.
    """
    return keypoint_nme(pred, gt, mask, np.ones((len(pred), 1)))


def keypoint_pck_accuracy(
    pred: ndarray, gt: ndarray, mask: ndarray, thr: float, norm_factor: ndarray
) -> tuple[ndarray, float, int]:
    """Percentage of correct keypoints: distances below a threshold.

    Args:
        pred: ``(N, K, 2)``.
        gt: ``(N, K, 2)``.
        mask: ``(N, K)``, bool.
        thr: The threshold, on normalised distances.
        norm_factor: ``(N, 2)``; a face whose factor is 0 does not count.

    Returns:
        The share of each point over the faces, ``(K,)``, -1 where none counts; the mean over the
        points that have one (NaN for none, where MMPose has 0.0); and their number.
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
    """Area under the curve of PCK over thresholds 0, 1 / num_thrs, ... of the normaliser.

    Args:
        pred: ``(N, K, 2)``.
        gt: ``(N, K, 2)``.
        mask: ``(N, K)``, bool.
        norm_factor: The distance that is 1, in the points' unit.
        num_thrs: Number of thresholds.

    Raises:
        ValueError: If no point counts; MMPose's answers 0.0.
    """
    if not np.any(mask):
        raise ValueError('an AUC over no point is no number: no face has a point that counts')
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
    """PCK between the peaks of heatmaps; see :func:`keypoint_pck_accuracy`.

    Args:
        output: ``(N, K, H, W)``, predicted.
        target: ``(N, K, H, W)``.
        mask: ``(N, K)``, bool.
        thr: The threshold.
        normalize: ``(N, 2)``; height and width of the maps by default.
    """
    if normalize is None:
        normalize = np.tile(np.array([output.shape[2:]], dtype=np.float64), (len(output), 1))
    pred, _ = get_heatmap_maximum(torch.from_numpy(output))
    gt, _ = get_heatmap_maximum(torch.from_numpy(target))
    return keypoint_pck_accuracy(pred.numpy(), gt.numpy(), mask, thr, normalize)


def multilabel_classification_accuracy(
    pred: ndarray, gt: ndarray, mask: ndarray, thr: float = 0.5
) -> float:
    """Share of samples whose labels are all right.

    Args:
        pred: ``(N, L)``, confidences.
        gt: ``(N, L)``, 0 or 1.
        mask: ``(N, L)``, bool; a sample counts only if all of its labels do.
        thr: Confidences above it mean 1.

    Returns:
        The share; NaN where no sample counts, for which MMPose has 0.0.
    """
    whole = np.asarray(mask > 0).all(axis=1)
    if not whole.any():
        return math.nan
    right = ((pred[whole] - thr) * (gt[whole] - thr) > 0).all(axis=1)
    return float(right.mean())
