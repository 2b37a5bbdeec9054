"""Writing a report: numbers, a line a face, pictures, and the page that shows them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmpose_lite.utils import InputError

from .face_lines import face_lines
from .measured import Measured
from .page import render_page
from .pictures import draw_worst, picture_stems
from .run import Run
from .summary import summarise

PAGE, METRICS, FACES = 'index.html', 'metrics.json', 'per_face.csv'


def write_report(folder: str | Path, runs: Sequence[Run]) -> list[str]:
    """Write a report into a folder, which is made where it is missing.

    ``index.html`` is taken away first and written last, each file beside and then moved: a folder
    with a page has all of its report. Files of others in the folder stay.

    Args:
        folder: Where to write.
        runs: Test runs, with different names; those on the same faces are compared.

    Returns:
        What the user should know, one line each: photographs that could not be drawn.

    Raises:
        InputError: If there is no run, two have one name, or a run has no error at all.
    """
    names = [run.name for run in runs]
    if not names or len(set(names)) < len(names):
        raise InputError(f'a report is on runs with different names, not {names}')
    for run in runs:
        if not run.table.mask.any():
            raise InputError(f"run '{run.name}': no point of any face counts")
    measured = [Measured(run) for run in runs]
    metrics = summarise(measured)
    pictures: dict[str, bytes] = {}
    remarks = []
    for run, entry, stem in zip(runs, metrics['runs'], picture_stems(names), strict=True):
        drawn, missing = draw_worst(run, entry['worst'], stem)
        pictures |= drawn
        if missing:
            remarks.append(
                f'{run.name}: {len(missing)} of the {len(entry["worst"])} worst faces have no '
                f"picture: their photographs cannot be read, the first is '{missing[0]}'"
            )
    page = render_page(metrics, pictures)
    _write_files(Path(folder), metrics, pictures, face_lines(measured), page)
    return remarks


def _write_files(
    folder: Path, metrics: dict[str, Any], pictures: dict[str, bytes], faces: str, page: str
) -> None:
    (folder / 'pictures').mkdir(parents=True, exist_ok=True)
    (folder / PAGE).unlink(missing_ok=True)
    for name in _old_pictures(folder):
        if name not in pictures:
            (folder / name).unlink(missing_ok=True)
    for name, content in pictures.items():
        _put(folder / name, content)
    _put(folder / FACES, faces.encode())
    text = json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False)
    _put(folder / METRICS, f'{text}\n'.encode())
    _put(folder / PAGE, page.encode())


def _old_pictures(folder: Path) -> list[str]:
    """The pictures that an earlier report in the folder names as its own."""
    try:
        runs = json.loads((folder / METRICS).read_text(encoding='utf-8'))['runs']
        named = [face['picture'] for run in runs for face in run['worst']]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    plain = [f'pictures/{Path(name).name}' for name in named if isinstance(name, str)]
    return [name for name in plain if name in named]


def _put(path: Path, content: bytes) -> None:
    """Write a file beside its place, and move it there."""
    beside = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    beside.write_bytes(content)
    beside.replace(path)
