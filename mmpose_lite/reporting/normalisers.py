"""What errors are divided by: each face's size, by several definitions in use."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from mmpose_lite.evaluation import NME

from .run import Run

# The outer corners of the eyes.
_EYES = {**NME.DEFAULT_KEYPOINT_INDICES, 'aflw': (6, 11)}
_NOT_EYES = {'horse10'}


@dataclass(frozen=True, eq=False)
class Normaliser:
    """A size of each face.

    Attributes:
        title: In a few words.
        about: In a sentence.
        values: ``(N,)``, image pixels, above 0; NaN for faces that have none.
    """

    title: str
    about: str
    values: ndarray


def find_normalisers(run: Run) -> dict[str, Normaliser]:
    """The metric's own size, and others that at least one face has."""
    found = {
        'box': Normaliser(
            'longer side of box',
            'The longer side of the annotated box; in AFLW the side of the square. MMPose divides '
            'by it.',
            run.table.box_size,
        ),
        'diagonal': Normaliser(
            'diagonal of box',
            'The diagonal of the annotated box: of a square 1.414 times the side.',
            np.hypot(*(run.table.bbox[:, 2:] - run.table.bbox[:, :2]).T),
        ),
        'tight_box': Normaliser(
            'tight box about the points',
            'The root of width times height of the smallest upright box about the true points.',
            _tight_box(run.table.gt, run.table.mask),
        ),
    }
    eyes = _between_eyes(run)
    if eyes is not None:
        found['interocular'] = eyes
    name, own = _own(run, found)
    others = {key: each for key, each in found.items() if key != name}
    known = {key: each for key, each in others.items() if np.isfinite(each.values).any()}
    # What the metric says it divides by stands first even where no face has it: no other may take
    # its place unsaid.
    is_own = run.measure is not None or np.isfinite(own.values).any() or not known
    return {name: own, **known} if is_own else known


def _own(run: Run, found: dict[str, Normaliser]) -> tuple[str, Normaliser]:
    """The size that the metric of the run divides by, and its name."""
    measure, norm = run.measure, run.table.norm
    if measure is not None and measure.pair is not None:
        # As the metric does it: whether the two can be seen or not.
        values = _distance(run, measure.pair, False)
        eyes = found.get('interocular')
        if eyes is not None and np.array_equal(values, eyes.values, equal_nan=True):
            return 'interocular', eyes
        about = f'The distance between two true points, seen or hidden: {measure.title}.'
        return 'two_points', Normaliser(measure.title, about, values)
    is_box = measure is None or measure.item in (None, 'bbox_size')
    if is_box and np.isnan(norm).all():
        return 'box', found['box']
    if np.allclose(norm, found['box'].values, rtol=1e-4, equal_nan=True):
        # To the last bit: the metric has it from numbers in single precision.
        return 'box', replace(found['box'], values=norm)
    title = 'size by the metric' if measure is None else measure.title
    if title in {each.title for each in found.values()}:
        title += ', as the metric had it'
    values = np.where(norm > 0, norm, np.nan)
    return 'metric', Normaliser(title, 'What the metric of the run divides by.', values)


def _between_eyes(run: Run) -> Normaliser | None:
    pair = _EYES.get(run.points.dataset or '')
    if pair is None or run.points.dataset in _NOT_EYES or max(pair) >= run.table.points:
        return None
    return Normaliser(
        'outer corners of the eyes',
        'The distance between the outer corners of the eyes, for faces where both are annotated '
        'and none is known to be hidden; it is short where the head is turned.',
        _distance(run, (pair[0], pair[1]), True),
    )


def _distance(run: Run, pair: tuple[int, int], both_seen: bool) -> ndarray:
    first, second = (run.table.gt[:, i] for i in pair)
    there = run.table.mask[:, list(pair)].all(axis=1)
    if both_seen:
        there &= ~(run.table.seen[:, list(pair)] == 0).any(axis=1)
    apart = np.linalg.norm(first - second, axis=-1)
    return np.where(there & (apart > 0), apart, np.nan)


def _tight_box(gt: ndarray, mask: ndarray) -> ndarray:
    low = np.where(mask[..., None], gt, np.inf).min(axis=1)
    high = np.where(mask[..., None], gt, -np.inf).max(axis=1)
    sides = np.where(np.isfinite(high), high, 0.0) - np.where(np.isfinite(low), low, 0.0)
    area = sides.prod(axis=1)
    return np.where(area > 0, np.sqrt(np.abs(area)), np.nan)
