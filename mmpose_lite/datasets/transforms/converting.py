"""Conversion of one set of points to another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS

from ..crop_cache import CropExtent
from .base import Transform


@TRANSFORMS.register_module()
class KeypointConverter(Transform):
    """Convert the points of a data set to those of another one.

    A point that the source lacks is put at the origin and is not visible.

    Args:
        num_keypoints: The number of points afterwards.
        mapping: ``(source, target)`` indices, one pair per point. A ``source`` of two indices
            stands for the middle of two points, which is visible if both are. If two pairs have the
            same target the later one counts, as in MMPose, and a warning names them.

    Unlike in MMPose ``keypoints_visible`` stays ``(N, K)``, and ``flip_indices`` are always those
    of the new order; a point without a mirror point is its own.

    Raises:
        InputError: If ``mapping`` is malformed, or a target is not below ``num_keypoints``.
    """

    leaves_pixels_alone = True

    def __init__(
        self, num_keypoints: int, mapping: Sequence[tuple[int | Sequence[int], int]]
    ) -> None:
        self.num_keypoints = num_keypoints
        self.mapping = mapping
        pairs = [_read_pair(pair) for pair in mapping]
        sources = {target: source for source, target in pairs}
        if len(sources) < len(pairs):
            _warn_once(_about_targets(pairs))
        self.target_index = list(sources)
        self._sources = np.array([*sources.values()], dtype=np.intp).reshape(-1, 2)
        if max(sources, default=-1) >= num_keypoints:
            raise InputError(
                f'KeypointConverter: the targets of mapping must be below '
                f'num_keypoints={num_keypoints}, they are {sorted(sources)}'
            )

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent

    def transform(self, results: dict) -> dict:
        """Write ``keypoints``, ``keypoints_visible`` and ``flip_indices`` in the new order.

        Raises:
            InputError: If the mapping names a point that the sample lacks.
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
        # One point keeps its visibility; two have the product of theirs.
        both = np.where(first == second, visible[:, first], visible[:, first] * visible[:, second])
        results['keypoints_visible'] = self._place(both)
        if results.get('flip_indices') is not None:
            results['flip_indices'] = self._mirror(results['flip_indices'])
        if 'annotated' in results:  # statements about the old points do not hold for the new ones
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


# The targets of COFW's eyes in MMPose's face6 configs; those of its other points are LaPa's.
_WFLW_EYES = {8: 60, 10: 64, 12: 62, 13: 66, 9: 72, 11: 68, 14: 70, 15: 74}


def _about_targets(pairs: Sequence[tuple[tuple[int, int], int]]) -> str:
    """Name the pairs that share a target, and explain the one case that is known."""
    by_target: dict[int, list[str]] = {}
    for (first, second), target in pairs:
        source = first if first == second else (first, second)
        by_target.setdefault(target, []).append(f'({source}, {target})')
    alike = '; '.join(' and '.join(each) for each in by_target.values() if len(each) > 1)
    text = f'KeypointConverter: mapping names a target twice, the later pair counts: {alike}'
    if {((i, i), target) for i, target in _WFLW_EYES.items()} <= set(pairs):
        text += (
            ". This is COFW's mapping in MMPose's face6 configs, where eyes have the numbers of "
            "WFLW's points, not of LaPa's, and is wrong; the config with `cofw-eyes` in its name "
            "has LaPa's"
        )
    return text


@lru_cache
def _warn_once(text: str) -> None:
    """Warn once per process, though each data set of a run has its own converter."""
    print_log(text, logger='current', level=logging.WARNING)


def _read_pair(pair: tuple[int | Sequence[int], int]) -> tuple[tuple[int, int], int]:
    source, target = pair if isinstance(pair, Sequence) and len(pair) == 2 else (None, None)
    sources = (source, source) if isinstance(source, int) else source
    if isinstance(sources, Sequence) and len(sources) == 2 and isinstance(target, int):
        indices = (*sources, target)
        if all(isinstance(each, int) and each >= 0 for each in indices):
            return (sources[0], sources[1]), target
    raise InputError(
        f'KeypointConverter: mapping holds {pair!r}, which is not (source, target) or '
        '((source, source), target) of indices from 0'
    )
