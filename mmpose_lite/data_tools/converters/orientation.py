"""Telling what labels of photographs with an EXIF orientation are of: as shown, or as stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.transforms.loading import are_of_turned
from mmpose_lite.errors import InputError

from .labelled import NOT_LABELLED, LabelledFace, LabelledPicture
from .own_config import known_points
from .photographs import Frame
from .report import ConversionReport

_SEEN = {True: 'shown, upright', False: 'stored'}
_UPPER, _LOWER = re.compile('eye|brow|forehead', re.I), re.compile('mouth|lip|chin', re.I)
_NUM_IBUG = 68  # points that have numbers are iBUG's
# A face is one way round where it resembles upright ones by so much more; both ways are in a set
# where each has more than this share of the faces.
_CLEARLY, _FEW = 0.3, 0.1


@dataclass(frozen=True)
class PlacedPicture:
    """A picture with its labels, and the file that was found.

    Attributes:
        picture: The labels.
        path: The file.
        frame: Its pixels.
        middle: The coordinate of the middle of the first pixel: 0.5 where places are measured from
            the corner of the picture, 0 where numbers name pixels.
    """

    picture: LabelledPicture
    path: Path
    frame: Frame
    middle: float = 0.5

    @property
    def where(self) -> str:
        """The file and its orientation, for messages."""
        return f'{self.path} ({self.frame.orientation})'

    def points(self, names: Sequence[str], is_upright: bool) -> list[ndarray]:
        """The points ``(K, 2)`` of each face, upright, NaN where a point is not labelled.

        Args:
            names: The points, in order.
            is_upright: The labels are of the photograph as shown.
        """
        found = []
        for face in self.picture.faces:
            rows = np.array([face.points.get(name, (0, 0, NOT_LABELLED)) for name in names], float)
            points = np.where(rows[:, 2:] > NOT_LABELLED, rows[:, :2], np.nan)
            found.append(self._upright(points, is_upright, self.middle))
        return found

    def corners(self, face: LabelledFace, is_upright: bool) -> ndarray | None:
        """Two opposite corners ``(2, 2)`` of the box of a face, upright; None where it has none."""
        if face.box is None:
            return None
        return self._upright(np.array(face.box, float).reshape(2, 2), is_upright, 0.5)

    def _upright(self, places: ndarray, is_upright: bool, middle: float) -> ndarray:
        size_wh = self.frame.upright_wh if is_upright else self.frame.size_wh
        places = places * (np.array(size_wh) / 100 if self.picture.is_percent else 1)
        return places if is_upright else self.frame.to_upright(places, middle)


def labelled_upright(
    pictures: Sequence[PlacedPicture],
    names: Sequence[str],
    usual: bool | None,
    asked: str | None,
    report: ConversionReport,
) -> list[bool]:
    """Tell which pictures were labelled as shown, not as stored.

    The labels of a picture tell: by what they say, by its size, or by points that lie in only one
    of the two. For others ``asked`` holds; then what the other pictures tell, if they agree; then
    ``usual``; then what makes faces resemble those that are known to be upright.

    Args:
        pictures: The pictures.
        names: The points, in order.
        usual: The way in which the tool shows pictures; None where it is not known.
        asked: ``'upright'`` or ``'stored'``, where a person says it.
        report: Gets photographs that EXIF turns.

    Raises:
        InputError: If nothing tells, or pictures contradict each other.
    """
    told = [_told(each, names) for each in pictures]
    unsure = [i for i, is_upright in enumerate(told) if is_upright is None]
    if unsure:
        answer = asked == 'upright' if asked else _by_others(pictures, names, usual, told)
        for i in unsure:
            kind = 'EXIF turns the photograph, and no size tells: taken as labelled as '
            report.note(kind + _SEEN[answer], pictures[i].where)
    for each, is_upright in zip(pictures, told, strict=True):
        if each.frame.orientation != 1 and is_upright is not None:
            kind = 'EXIF turns the photograph: it was labelled as '
            report.note(kind + _SEEN[is_upright], each.where)
    return [answer if is_upright is None else is_upright for is_upright in told]


def _told(placed: PlacedPicture, names: Sequence[str]) -> bool | None:
    """Read from a picture's own labels how it was labelled; None if they do not tell."""
    picture, frame = placed.picture, placed.frame
    if frame.orientation == 1:
        return True
    if picture.is_upright is not None:
        return picture.is_upright
    if frame.size_wh == frame.upright_wh:
        return None
    if picture.size_wh is not None:
        return picture.size_wh == frame.upright_wh
    if picture.is_percent:
        return None
    points = np.concatenate(placed.points(names, is_upright=True))
    points = points[np.isfinite(points[:, 0])]
    if are_of_turned(points, frame.size_wh):
        return True
    return False if are_of_turned(points, frame.upright_wh) else None


def _by_others(
    pictures: Sequence[PlacedPicture],
    names: Sequence[str],
    usual: bool | None,
    told: Sequence[bool | None],
) -> bool:
    """Tell by the other pictures, or by the tool, how those were labelled that do not tell."""
    unsure = pictures[told.index(None)]
    first = {
        is_upright: each
        for each, is_upright in reversed([*zip(pictures, told, strict=True)])
        if each.frame.orientation != 1 and is_upright is not None
    }
    if not first and usual is not None:
        return usual
    seems = 'was'
    if not first:
        first, seems = _by_shapes(pictures, names, told), 'looks'
    if len(first) == 1:
        return next(iter(first))
    problem = f'{unsure.where} has an EXIF orientation, and nothing tells whether its labels'
    if first:
        problem = (
            f'{first[True].where} {seems} labelled as {_SEEN[True]}, {first[False].where} as '
            f'{_SEEN[False]}, and nothing tells whether all labels without a size'
        )
    raise InputError(
        f'{unsure.picture.where}: {problem} are of photographs as shown, upright, or as stored: '
        '--exif upright or --exif stored says so'
    )


def _by_shapes(
    pictures: Sequence[PlacedPicture], names: Sequence[str], told: Sequence[bool | None]
) -> dict[bool, PlacedPicture]:
    """Find in which way faces resemble upright ones; for each way a picture, if it has not few."""
    upright = [
        points
        for each, is_upright in zip(pictures, told, strict=True)
        if is_upright is not None
        for points in each.points(names, is_upright)
    ]
    pattern = _mean_shape(upright) if upright else _pattern(names)
    votes: dict[bool, list[PlacedPicture]] = {True: [], False: []}
    for each, is_upright in zip(pictures, told, strict=True):
        if is_upright is None:
            shown, stored = (
                sum(_likeness(points, pattern) for points in each.points(names, as_shown))
                for as_shown in (True, False)
            )
            if abs(shown - stored) > _CLEARLY * len(each.picture.faces):
                votes[shown > stored].append(each)
    least = _FEW * sum(map(len, votes.values()))
    return {way: found[0] for way, found in votes.items() if len(found) > least}


def _mean_shape(faces: Sequence[ndarray]) -> ndarray:
    """The mean of faces ``(K, 2)``, each about its own middle and of its own size."""
    total, count = np.zeros(faces[0].shape), np.zeros(faces[0].shape)
    for points in faces:
        known = np.isfinite(points)
        if known.any():
            offsets = points - np.nanmean(points, axis=0)
            size = np.sqrt(np.nansum(offsets**2))
            total += np.where(known, offsets / (size or 1), 0)
            count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _pattern(names: Sequence[str]) -> ndarray:
    """A face ``(K, 2)`` of the little that names tell: eyes are above the mouth."""
    if len(names) == _NUM_IBUG and all(map(str.isdecimal, names)):
        names = known_points('300w') or names
    heights = [-1 if _UPPER.search(each) else 1 if _LOWER.search(each) else None for each in names]
    return np.array([[np.nan, np.nan] if y is None else [0, y] for y in heights], float)


def _likeness(points: ndarray, pattern: ndarray) -> float:
    """The correlation of a face with a pattern, both ``(K, 2)``, without turning either."""
    known = np.isfinite(points + pattern).all(axis=1)
    if known.sum() < 2:
        return 0.0
    ours, theirs = (each[known] - each[known].mean(axis=0) for each in (points, pattern))
    sizes = np.linalg.norm(ours) * np.linalg.norm(theirs)
    return float((ours * theirs).sum() / sizes) if sizes else 0.0
