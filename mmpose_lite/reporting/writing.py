"""Writing a report: numbers, a line a face, pictures, and the page that shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmpose_lite.utils import InputError
from mmpose_lite.utils.files import replacing

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
        What the user should know, one line each: faces that are left out or not compared, and
        photographs that could not be drawn.

    Raises:
        InputError: If there is no run, two have one name, a run has no error at all, or a folder
            has the name of a file of the report.
    """
    names = [run.name for run in runs]
    if not names or len(set(names)) < len(names):
        raise InputError(f'a report is on runs with different names, not {names}')
    measured = [Measured(run) for run in runs]
    for each in measured:
        _check_errors(each)
    metrics = summarise(measured)
    pictures, remarks = _draw_pictures(runs, metrics['runs'])
    # All that can fail for what the runs say comes before anything is written.
    page = render_page(metrics, pictures)
    numbers = json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False)
    texts = {FACES: face_lines(measured), METRICS: f'{numbers}\n', PAGE: page}
    _write_files(Path(folder), {**pictures, **{key: _bytes(text) for key, text in texts.items()}})
    left_out = [f'{run["name"]}: {text}' for run in metrics['runs'] for text in run['left_out']]
    return [*left_out, *remarks, *_not_compared(metrics['comparisons'])]


def _check_errors(measured: Measured) -> None:
    """Refuse a run of which no face has an error."""
    name = measured.run.name
    if not measured.run.table.mask.any():
        raise InputError(f"run '{name}': no point of any face counts")
    if not measured.own.faces.any():
        title = measured.normalisers[measured.primary].title
        raise InputError(f"run '{name}': no face with a point that counts has the size: {title}")


def _draw_pictures(
    runs: Sequence[Run], entries: list[dict[str, Any]]
) -> tuple[dict[str, bytes], list[str]]:
    """Draw the worst faces of all runs; and say how many could not be drawn."""
    pictures: dict[str, bytes] = {}
    remarks = []
    stems = picture_stems([run.name for run in runs])
    for run, entry, stem in zip(runs, entries, stems, strict=True):
        drawn, missing = draw_worst(run, entry['worst'], stem)
        pictures |= drawn
        for reason, images in missing.items():
            remarks.append(
                f'{run.name}: {len(images)} of the {len(entry["worst"])} worst faces have no '
                f"picture: their photographs are {reason}, the first is '{images[0]}' (see "
                'tools/report.py --data-root)'
            )
    return pictures, remarks


def _not_compared(comparisons: list[dict[str, Any]]) -> list[str]:
    """Say of which runs not all faces, or none, are compared."""
    return [
        f'{"not all compared" if pair["subsets"] else "not compared"}: {pair["remark"]}'
        for pair in comparisons
        if pair['remark']
    ]


def _bytes(text: str) -> bytes:
    """UTF-8, with escapes for file names that are none; in JSON they read back as they were."""
    return text.encode(errors='backslashreplace')


def _write_files(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files into a folder by their names there, in that order; the page is the last."""
    _check_places([folder / name for name in contents], folder / 'pictures')
    (folder / 'pictures').mkdir(parents=True, exist_ok=True)
    (folder / PAGE).unlink(missing_ok=True)
    for name in _old_pictures(folder):
        if name not in contents:
            (folder / name).unlink(missing_ok=True)
    for name, content in contents.items():
        _put(folder / name, content)


def _check_places(files: Sequence[Path], pictures: Path) -> None:
    """Refuse a folder where a file is to be, or a file in place of the folder of pictures."""
    for path in files:
        if path.is_dir():
            raise InputError(f"a report cannot be written: '{path}' is a folder")
    if pictures.exists() and not pictures.is_dir():
        raise InputError(f"a report cannot be written: '{pictures}' is a file")


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
    with replacing(path) as file:
        file.write(content)
