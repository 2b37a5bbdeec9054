"""Linear maps from the points that a network predicts to those that an annotator would set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

_PENALTIES = tuple(10.0 ** np.arange(-5.0, 1.5, 0.5))
_FOLDS = 10


@dataclass(frozen=True)
class LabelMap:
    """An affine map of all points of a crop, in shares of its size from its middle.

    Attributes:
        weight: (2K, 2K) what to add for each coordinate (row) to each (column), float64.
        offset: (2K,) what to add in any case.
    """

    weight: ndarray
    offset: ndarray

    def apply(self, points: ndarray) -> ndarray:
        """Return mapped points; both are (..., K, 2), 0 to 1 from the crop's corner."""
        flat = np.asarray(points, dtype=np.float64).reshape(*points.shape[:-2], -1) - 0.5
        return (flat + flat @ self.weight + self.offset).reshape(points.shape) + 0.5

    def to_plain(self) -> dict[str, list]:
        """Return it as lists, which a checkpoint can hold."""
        return {'weight': self.weight.tolist(), 'offset': self.offset.tolist()}

    @classmethod
    def from_plain(cls, content: Any) -> LabelMap:
        """Build it from what :meth:`to_plain` returns.

        Raises:
            ValueError: If it is anything else, or has numbers that are not finite.
        """
        try:
            weight, offset = (np.array(content[key], float) for key in ('weight', 'offset'))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError('its label_map is none') from error
        fits = weight.shape == (len(offset), len(offset)) if offset.ndim == 1 else False
        if not fits or not (np.isfinite(weight).all() and np.isfinite(offset).all()):
            raise ValueError('its label_map is not a square matrix of finite numbers and a row')
        return cls(weight, offset)


def fit_label_map(
    predicted: ndarray, annotated: ndarray, flip_indices: Sequence[int] | None = None
) -> tuple[LabelMap, ndarray]:
    """Fit a map by ridge regression; the penalty is the one that serves faces left out best.

    Args:
        predicted: (N, K, 2) predictions, 0 to 1 from the crop's corner.
        annotated: (N, K, 2) annotations of the same faces and crops.
        flip_indices: For each point the one at its place in a mirrored face; each face then
            counts as its mirror image, too.

    Returns:
        The map, and (N, K, 2) annotations as predicted by maps that other faces made.

    Raises:
        ValueError: If there are fewer than two faces.
    """
    count = len(predicted)
    if count < 2:
        raise ValueError(f'a map of labels needs two faces at least, and there are {count}')
    folds = np.arange(count) % min(count, _FOLDS)
    best: tuple[float, float, ndarray] | None = None
    for penalty in _PENALTIES:
        held_out = np.empty(predicted.shape)
        for fold in range(folds.max() + 1):
            out = folds == fold
            found = _fit(predicted[~out], annotated[~out], flip_indices, penalty)
            held_out[out] = found.apply(predicted[out])
        error = float(np.linalg.norm(held_out - annotated, axis=-1).mean())
        if best is None or error < best[0]:
            best = (error, penalty, held_out)
    assert best is not None
    return _fit(predicted, annotated, flip_indices, best[1]), best[2]


def _fit(
    predicted: ndarray, annotated: ndarray, flip_indices: Sequence[int] | None, penalty: float
) -> LabelMap:
    """Fit with a given penalty; the offset is free."""
    if flip_indices is not None:
        predicted, annotated = (
            np.concatenate([each, each[:, flip_indices] * [-1, 1] + [1, 0]])
            for each in (predicted, annotated)
        )
    x = predicted.reshape(len(predicted), -1) - 0.5
    y = (annotated - predicted).reshape(len(predicted), -1)
    mean_x, mean_y = x.mean(0), y.mean(0)
    centred = x - mean_x
    inner = centred.T @ centred / len(x) + penalty * np.eye(x.shape[1])
    weight = np.linalg.solve(inner, centred.T @ (y - mean_y) / len(x))
    return LabelMap(weight, mean_y - mean_x @ weight)
