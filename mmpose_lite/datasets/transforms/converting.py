"""Converting points of one set to those of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.utils import InputError

from ..crop_cache import CropExtent
from .base import Transform


@TRANSFORMS.register_module()
class KeypointConverter(Transform):
    """Convert the points of a data set to those of another one.

    A point that the source has not is at the origin, and not visible.

    Args:
        num_keypoints: The number of points afterwards.
        mapping: ``(source, target)`` indices, one pair a point. A ``source`` of two indices is the
            middle of two points, visible where both are.

    Unlike in MMPose ``keypoints_visible`` stays ``(N, K)``, and ``flip_indices`` are always those
    of the new order; a point whose mirror point is missing is its own.

    Raises:
        InputError: If the mapping is none, or names a target twice or beyond ``num_keypoints``.
    """

    keeps_pixels = True

    def __init__(
        self, num_keypoints: int, mapping: Sequence[tuple[int | Sequence[int], int]]
    ) -> None:
        self.num_keypoints = num_keypoints
        self.mapping = mapping
        pairs = [_read_pair(pair) for pair in mapping]
        self.target_index = [target for _, target in pairs]
        self._sources = np.array([source for source, _ in pairs], dtype=np.intp).reshape(-1, 2)
        targets = sorted(self.target_index)
        if len(set(targets)) < len(targets) or (targets and targets[-1] >= num_keypoints):
            raise InputError(
                f'KeypointConverter: the targets of mapping must be different and below '
                f'num_keypoints={num_keypoints}, they are {targets}'
            )

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent

    def transform(self, results: dict) -> dict:
        """Write ``keypoints``, ``keypoints_visible`` and ``flip_indices`` in the new order.

        Raises:
            InputError: If the mapping names a point that the sample has not.
        """
        points, visible = results['keypoints'], results.get('keypoints_visible')
        if visible is None:
            visible = np.ones(points.shape[:2], dtype=points.dtype)
        elif visible.ndim > 2:
            visible = visible[..., 0]
        if self._sources.max(initial=-1) >= points.shape[1]:
            raise InputError(
                f'KeypointConverter: mapping names point {self._sources.max()}, the data set '
                f"'{results.get('dataset_name')}' has {points.shape[1]}"
            )
        first, second = self._sources.T
        results['keypoints'] = self._place(0.5 * (points[:, first] + points[:, second]))
        # Of one point its own visibility, of two the product.
        both = np.where(first == second, visible[:, first], visible[:, first] * visible[:, second])
        results['keypoints_visible'] = self._place(both)
        if results.get('flip_indices') is not None:
            results['flip_indices'] = self._mirror(results['flip_indices'])
        if 'annotated' in results:  # what is said of points is not said of those made of them
            facts = results['annotated'].items()
            results['annotated'] = {
                key: value for key, value in facts if key not in ('flags', 'visibility')
            }
        return results

    def _place(self, values: ndarray) -> ndarray:
        placed = np.zeros((len(values), self.num_keypoints, *values.shape[2:]), values.dtype)
        placed[:, self.target_index] = values
        return placed

    def _mirror(self, flip_indices: Sequence[int]) -> list[int]:
        made_of = [frozenset(map(int, source)) for source in self._sources]
        found = dict(zip(made_of, self.target_index, strict=True))
        mirror = list(range(self.num_keypoints))
        for source, target in zip(made_of, self.target_index, strict=True):
            mirror[target] = found.get(frozenset(flip_indices[i] for i in source), target)
        return mirror


def _read_pair(pair: tuple[int | Sequence[int], int]) -> tuple[tuple[int, int], int]:
    source, target = pair if isinstance(pair, Sequence) and len(pair) == 2 else (None, None)
    sources = (source, source) if isinstance(source, int) else source
    if isinstance(sources, Sequence) and len(sources) == 2 and isinstance(target, int):
        indices = (*sources, target)
        if all(isinstance(each, int) and each >= 0 for each in indices):
            return (sources[0], sources[1]), target
    raise InputError(
        f'KeypointConverter: mapping holds {pair!r}, which is no (source, target) or '
        '((source, source), target) of indices from 0'
    )
