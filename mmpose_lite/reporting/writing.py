"""Writing a report: numbers, a CSV file with a line per face, pictures, and the page.

A dump may come from anybody. Of the files that it names only images are read, and only below the
data roots, after links are resolved.
"""

from __future__ import annotations

import json
import os.path as osp
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.file_names import check_group
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.functional import FEWEST_FACES
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.paths import check_folder, shown
from mmpose_lite.visualization.drawing import read_image_rgb
from mmpose_lite.visualization.sheet import FaceRow, face_tile

from .faces import drawn_sides
from .page import render_page
from .per_face import per_face_csv
from .run import Run
from .run_errors import RunErrors
from .schema import Comparison, Report, ShownFace, Side
from .summary import summarise

FILES = PAGE, METRICS, FACES = 'index.html', 'metrics.json', 'per_face.csv'
_TILE = 320  # px
_QUALITY = 88
_UNREADABLE, _OUTSIDE = 'unreadable', 'outside of the data roots'


def write_report(folder: str | Path, runs: Sequence[Run], group: str | None = None) -> list[str]:
    """Write a report into a folder, which is made if it is missing.

    ``index.html`` is removed first and written last, and each file is replaced atomically: a folder
    with a page has all of its report. Other files in the folder stay.

    Args:
        folder: The folder.
        runs: Test runs with different names; those on the same faces are compared, or, if all
            name a recipe, the recipes. A recipe has two runs or more.
        group: A regular expression with one group in brackets, which finds in the name of a
            photograph who or what it is of. Intervals of comparisons are then over these groups.

    Returns:
        Lines for the user: how runs differ, faces that are left out or not compared, and
        photographs that could not be drawn.

    Raises:
        InputError: If there is no run, two have the same name, a recipe has one run only, a run
            has no error at all, a folder has the name of a file of the report, or ``group`` is
            wrong.
    """
    names = [run.name for run in runs]
    if not names or len(set(names)) < len(names):
        raise InputError(f'a report is on runs with different names, not {names}')
    recipes = Counter(run.recipe for run in runs if run.recipe is not None)
    for name in (name for name, count in recipes.items() if count < 2):
        raise InputError(f"recipe '{name}' has one run, and a recipe has two or more")
    lone = [run.name for run in runs if run.recipe is None]
    if recipes and lone:
        raise InputError(f"run '{lone[0]}' names no recipe, and others do")
    if group is not None:
        check_group(group, '--group')
    found = [RunErrors(run) for run in runs]
    for each in found:
        _check_errors(each)
    metrics = summarise(found, group)
    pictures, remarks = _draw_pictures(runs, metrics)
    # All that depends on the runs and may fail comes before anything is written.
    page = render_page(metrics, pictures)
    numbers = json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False)
    # File names that are no UTF-8 are escaped; JSON reads these back unchanged.
    texts = {
        name: text.encode(errors='backslashreplace')
        for name, text in ((FACES, per_face_csv(found)), (METRICS, f'{numbers}\n'), (PAGE, page))
    }
    _write_files(Path(folder), {**pictures, **texts})
    left_out = [f'{run["name"]}: {text}' for run in metrics['runs'] for text in run['left_out']]
    not_compared = [
        f'{"not all compared" if pair["subsets"] else "not compared"}: {pair["remark"]}'
        for pair in metrics['comparisons']
        if pair['remark']
    ]
    differences = [line for pair in metrics['comparisons'] for line in _differences(pair)]
    return [*differences, *left_out, *remarks, *not_compared]


def _differences(pair: Comparison) -> Iterator[str]:
    """A line for each subset of two runs or recipes: their difference, and its interval."""
    trained = f', {pair["runs"]["a"]} and {pair["runs"]["b"]} runs'
    runs = trained if max(pair['runs'].values()) > 1 else ''
    for subset, paired in pair['subsets'].items():
        if paired['difference'] is None:
            continue
        limits = paired['interval']
        about, verdict = f'no interval of under {FEWEST_FACES} faces', ''
        if limits is not None:
            low, high = (100 * (limit or 0) for limit in limits)
            about = f'95 %: {low:+.3f} to {high:+.3f}'
            verdict = f': {pair["b"] if high < 0 else pair["a"]} is better'
            if low <= 0 <= high:
                verdict = ': neither is shown to be better'
        groups = '' if paired['groups'] is None else f' in {paired["groups"]:,} groups'
        yield (
            f'{pair["b"]} minus {pair["a"]}, {subset}: {100 * paired["difference"]:+.3f} '
            f'percentage points ({about}), {paired["faces"]:,} faces{groups}{runs}{verdict}'
        )


def _check_errors(found: RunErrors) -> None:
    """Refuse a run of which no face has an error."""
    name = found.run.name
    if not found.run.table.mask.any():
        raise InputError(f"run '{name}': no point of any face counts")
    if not found.own.faces.any():
        title = found.normalisers[found.primary].title
        raise InputError(f"run '{name}': no face with a point that counts has the size: {title}")


def _write_files(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files into a folder by their names, in that order; the page is the last."""
    for name in contents:
        if (folder / name).is_dir():
            raise InputError(f"a report cannot be written: '{folder / name}' is a folder")
    check_folder(folder / 'pictures')
    (folder / 'pictures').mkdir(parents=True, exist_ok=True)
    (folder / PAGE).unlink(missing_ok=True)
    for name in _old_pictures(folder):
        if name not in contents:
            (folder / name).unlink(missing_ok=True)
    for name, content in contents.items():
        with replacing(folder / name) as file:
            file.write(content)


def _old_pictures(folder: Path) -> list[str]:
    """The pictures of an earlier report in the folder."""
    try:
        named = list(_picture_names(json.loads((folder / METRICS).read_text(encoding='utf-8'))))
    except (OSError, ValueError, RecursionError):
        return []
    plain = [f'pictures/{Path(name).name}' for name in named]
    return [name for name in plain if name in named]


def _picture_names(content: Any) -> Iterator[str]:
    """All that is called ``picture`` in ``metrics.json``."""
    if isinstance(content, dict):
        if isinstance(name := content.get('picture'), str):
            yield name
        content = list(content.values())
    for part in content if isinstance(content, list) else ():
        yield from _picture_names(part)


class _OutsideError(ValueError):
    """A photograph is not below a data root."""


def _draw_pictures(runs: Sequence[Run], metrics: Report) -> tuple[dict[str, bytes], list[str]]:
    """Draw the faces that a report shows; return JPEG files by name, and remarks."""
    pictures: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    missing: dict[tuple[str, str], list[str]] = {}
    by_name = {run.name: run for run in runs}
    stems = dict(zip(by_name, picture_stems(list(by_name)), strict=True))
    for run, image, side in drawn_sides(metrics):
        name = f'pictures/{stems[run]}_face_{side["row"]:05d}.jpg'
        if name not in pictures and name not in reasons:
            try:
                pictures[name] = _draw(by_name[run], side)
            except (OSError, ValueError) as error:
                reason = _OUTSIDE if isinstance(error, _OutsideError) else _UNREADABLE
                reasons[name] = reason
                missing.setdefault((run, reason), []).append(image)
        side['picture'] = name if name in pictures else None
        side['no_picture'] = reasons.get(name)
    shown = Counter(name.rpartition('_face_')[0] for name in (*pictures, *reasons))
    remarks = [
        f'{run}: {len(images)} of the {shown[f"pictures/{stems[run]}"]} faces shown have no '
        f"picture: their images are {reason}, the first is '{images[0]}' (see "
        'mmpose-lite report --data-root)'
        for (run, reason), images in missing.items()
    ]
    return pictures, remarks


def picture_stems(names: Sequence[str]) -> list[str]:
    """Make a different file name of plain letters for each run."""
    plain = [re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-.')[:60] or 'run' for name in names]
    taken = {stem.lower() for stem in plain}
    if len(taken) == len(plain):
        return plain
    return [f'{number}-{stem}' for number, stem in enumerate(plain)]


def _draw(run: Run, side: ShownFace | Side) -> bytes:
    table, row = run.table, side['row']
    bbox = table.bbox[row]
    if not np.isfinite(bbox).all():
        points = table.gt[row][table.mask[row]]
        bbox = np.concatenate([points.min(axis=0), points.max(axis=0)])
    face = FaceRow(
        table.images[row],
        table.gt[row],
        table.pred[row],
        bbox,
        side['nme'] or 0.0,
        visible=table.mask[row],
        exif=table.exif[row],
    )
    tile_rgb = face_tile(face, _TILE, partial(_read_photograph, run))
    tile_bgr = cv2.cvtColor(tile_rgb, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode('.jpg', tile_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes()


def _read_photograph(run: Run, image: str, exif: str) -> ndarray:
    """Read a photograph below a data root: ``(H, W, 3)`` uint8, RGB."""
    return read_image_rgb(_find_photograph(run, image), {'backend': 'local'}, exif)


def _find_photograph(run: Run, image: str) -> str:
    """Find the file of a photograph, links resolved."""
    for path in map(osp.realpath, _possible_places(run, image)):
        if any(Path(path).is_relative_to(root) for root in _allowed_roots(run)):
            return path
    raise _OutsideError(f'image {shown(image)} is outside of the data roots')


def _allowed_roots(run: Run) -> list[str]:
    """Folders below which photographs may be read, links resolved."""
    if run.moved_to is not None:
        return [osp.realpath(run.moved_to)]
    home = Path(osp.realpath(osp.expanduser('~')))
    # A folder that contains somebody's whole home is no data root, whatever a dump says.
    return [root for root in map(osp.realpath, run.data_roots) if not home.is_relative_to(root)]


def _possible_places(run: Run, image: str) -> Iterator[str]:
    """Places of a photograph: that of the dump, or the same place below the moved root."""
    yield image
    for root in run.data_roots if run.moved_to else ():
        if Path(osp.abspath(image)).is_relative_to(osp.abspath(root)):
            yield osp.join(str(run.moved_to), osp.relpath(image, root))
