"""Pictures of the worst faces: the photograph about the face, with truth and prediction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmpose_lite.visualization import FaceRow
from mmpose_lite.visualization.sheet import face_tile

from .run import Run

_TILE = 320  # px
_QUALITY = 88


def draw_worst(
    run: Run, worst: Sequence[dict[str, Any]], stem: str
) -> tuple[dict[str, bytes], list[str]]:
    """Draw faces, and name their pictures in ``worst``, in place.

    Args:
        run: The run.
        worst: Its entry of the metrics, worst first; ``picture`` stays None where there is no
            photograph.
        stem: What the pictures' names begin with.

    Returns:
        JPEG files by name, and the photographs that could not be drawn.
    """
    pictures, missing = {}, []
    for number, entry in enumerate(worst):
        try:
            content = _draw(run, entry['row'], entry['nme'])
        except (OSError, ValueError):
            missing.append(entry['image'])
            continue
        entry['picture'] = f'pictures/{stem}_worst_{number:02d}.jpg'
        pictures[entry['picture']] = content
    return pictures, missing


def picture_stems(names: Sequence[str]) -> list[str]:
    """What file names of runs begin with: plain letters, and different for each run."""
    plain = [re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-.')[:60] or 'run' for name in names]
    taken = {stem.lower() for stem in plain}
    if len(taken) == len(plain):
        return plain
    return [f'{number}-{stem}' for number, stem in enumerate(plain)]


def _draw(run: Run, row: int, nme: float) -> bytes:
    table = run.table
    bbox = table.bbox[row]
    if not np.isfinite(bbox).all():
        points = table.gt[row][table.mask[row]]
        bbox = np.concatenate([points.min(axis=0), points.max(axis=0)])
    face = FaceRow(
        table.images[row],
        table.gt[row],
        table.pred[row],
        bbox,
        nme,
        visible=table.mask[row],
        exif=table.exif[row],
    )
    tile = cv2.cvtColor(face_tile(face, _TILE), cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode('.jpg', tile, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes()
