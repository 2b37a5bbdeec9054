"""Reading iBUG's ``.pts`` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.utils import InputError

from .records import are_coordinates


def read_pts(path: Path, num_points: int) -> ndarray:
    """Read the points of a face.

    Args:
        path: A text file: lines ``key: value``, ``n_points`` among them, then ``x y`` lines
            between braces.
        num_points: How many there must be.

    Returns:
        ``(num_points, 2)``, as they stand there.

    Raises:
        InputError: If it is no such file, or has another number of points.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from error
    head, opened, body = text.partition('{')
    body, closed, _ = body.partition('}')
    if not (opened and closed):
        raise InputError(f'{path}: has no points between braces')
    declared = [line.split(':')[1] for line in head.splitlines() if line.startswith('n_points:')]
    try:
        rows = [[float(value) for value in line.split()] for line in body.splitlines() if line]
        points = np.array([row for row in rows if row])
        counts = {len(points), *map(int, declared)}
    except ValueError as error:
        raise InputError(f'{path}: a line is no point: {error}') from error
    if points.shape != (num_points, 2) or counts != {num_points}:
        raise InputError(f'{path}: must hold {num_points} points, n_points: {sorted(counts)}')
    if not are_coordinates(points):
        raise InputError(f'{path}: a point is no finite number, or in no image')
    return points
