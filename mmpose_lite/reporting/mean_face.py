"""The mean of the true faces, on which points are drawn."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

_ROUNDS = 3


def mean_face(gt: ndarray, mask: ndarray) -> ndarray:
    """The mean of faces that have been moved, turned and scaled onto each other.

    Args:
        gt: ``(N, K, 2)``, y down.
        mask: ``(N, K)`` bool. Faces of which all points count make the mean; where there are
            none, all faces do, by their boxes alone.

    Returns:
        ``(K, 2)``, in the middle of 0 to 1 both ways, which its longer side fills.
    """
    whole = gt[mask.all(axis=1)]
    if not len(whole):
        return _framed(_mean_in_boxes(gt, mask))
    shapes = _at_unit_size(whole)
    mean = shapes.mean(axis=0)
    for _ in range(_ROUNDS):
        aligned = _turned_onto(shapes, mean)
        mean = _at_unit_size(aligned.mean(axis=0)[None])[0]
    return _framed(mean)


def _at_unit_size(shapes: ndarray) -> ndarray:
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    sizes = np.sqrt((shapes**2).sum(axis=(1, 2), keepdims=True))
    return shapes / np.where(sizes > 0, sizes, 1.0)


def _turned_onto(shapes: ndarray, mean: ndarray) -> ndarray:
    """Turn shapes ``(N, K, 2)`` to lie nearest to one, as complex numbers that is one factor."""
    each, one = shapes[..., 0] + 1j * shapes[..., 1], mean[:, 0] + 1j * mean[:, 1]
    turns = (each.conj() * one).sum(axis=1, keepdims=True)
    sizes = np.abs(turns)
    turned = each * np.divide(turns, sizes, out=np.ones_like(turns), where=sizes > 0)
    return np.stack([turned.real, turned.imag], axis=-1)


def _mean_in_boxes(gt: ndarray, mask: ndarray) -> ndarray:
    """The mean place of each point in the boxes about the faces; the middle where it has none."""
    low = np.where(mask[..., None], gt, np.inf).min(axis=1, keepdims=True)
    high = np.where(mask[..., None], gt, -np.inf).max(axis=1, keepdims=True)
    counts = mask.any(axis=1)
    gt, mask, low, high = gt[counts], mask[counts], low[counts], high[counts]
    side = np.maximum((high - low).max(axis=-1, keepdims=True), 1e-12)
    places = np.where(mask[..., None], (gt - (low + high) / 2) / side, 0.0)
    return places.sum(axis=0) / np.maximum(mask.sum(axis=0), 1)[:, None]


def _framed(shape: ndarray) -> ndarray:
    low, high = shape.min(axis=0), shape.max(axis=0)
    side = max(float((high - low).max()), 1e-12)
    return 0.5 + (shape - (low + high) / 2) / side
