"""Pictures of the worst faces: the photograph about the face, with truth and prediction.

A dump may come from anybody. Of the files that it names only images are read, and only below the
data roots, wherever links lead.
"""

from __future__ import annotations

import os.path as osp
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.utils.images import decode_image, read_image
from mmpose_lite.utils.paths import shown
from mmpose_lite.visualization import FaceRow
from mmpose_lite.visualization.sheet import face_tile

from .run import Run

_TILE = 320  # px
_QUALITY = 88
_UNREADABLE, _OUTSIDE = 'unreadable', 'outside of the data roots'


class _OutsideError(ValueError):
    """A photograph does not lie below a data root."""


def draw_worst(
    run: Run, worst: Sequence[dict[str, Any]], stem: str
) -> tuple[dict[str, bytes], dict[str, list[str]]]:
    """Draw faces, and name their pictures in ``worst``, in place.

    Args:
        run: The run.
        worst: Its entry of the metrics, worst first; where there is no photograph, ``picture``
            stays None, and ``no_picture`` says why.
        stem: What the pictures' names begin with.

    Returns:
        JPEG files by name; and for each reason the photographs that were not drawn.
    """
    pictures: dict[str, bytes] = {}
    missing: dict[str, list[str]] = {}
    for number, entry in enumerate(worst):
        try:
            content = _draw(run, entry['row'], entry['nme'])
        except (OSError, ValueError) as error:
            reason = _OUTSIDE if isinstance(error, _OutsideError) else _UNREADABLE
            entry['no_picture'] = reason
            missing.setdefault(reason, []).append(entry['image'])
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
    tile_rgb = face_tile(face, _TILE, partial(_read_photograph, run))
    tile_bgr = cv2.cvtColor(tile_rgb, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode('.jpg', tile_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes()


def _read_photograph(run: Run, image: str, exif: str) -> ndarray:
    """Read a photograph that lies below a data root: ``(H, W, 3)`` uint8, RGB."""
    path = _find_photograph(run, image)
    return cv2.cvtColor(decode_image(read_image(path), path, exif=exif), cv2.COLOR_BGR2RGB)


def _find_photograph(run: Run, image: str) -> str:
    """The file of a photograph, links resolved."""
    for path in map(osp.realpath, _possible_places(run, image)):
        if any(Path(path).is_relative_to(root) for root in _allowed_roots(run)):
            return path
    raise _OutsideError(f'image {shown(image)} is outside of the data roots')


def _allowed_roots(run: Run) -> list[str]:
    """The folders below which photographs are read, links resolved."""
    if run.moved_to is not None:
        return [osp.realpath(run.moved_to)]
    home = Path(osp.realpath(osp.expanduser('~')))
    # A folder that holds all of somebody's files is no data root, whatever a dump says.
    return [root for root in map(osp.realpath, run.data_roots) if not home.is_relative_to(root)]


def _possible_places(run: Run, image: str) -> Iterator[str]:
    """Possible places of a photograph: where the dump says, or as far below the moved root."""
    yield image
    for root in run.data_roots if run.moved_to else ():
        if Path(osp.abspath(image)).is_relative_to(osp.abspath(root)):
            yield osp.join(str(run.moved_to), osp.relpath(image, root))
