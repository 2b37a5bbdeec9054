"""What a list says of photographs, held against those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .photographs import Photograph
from .records import Face
from .report import ConversionReport

LISTED_TWICE = 'the face is listed twice'
"""The note on a face that a set has twice."""


def placed_faces(
    faces: Sequence[Face], placed: Mapping[str, Photograph | str]
) -> list[tuple[int, Face, Photograph]]:
    """Number the faces of a list by their rows, from 0, and keep those whose photograph is there.

    Args:
        faces: The list.
        placed: What is known of the photographs.
    """
    rows = ((i, face, placed[face.image]) for i, face in enumerate(faces))
    return [(i, face, photo) for i, face, photo in rows if isinstance(photo, Photograph)]


def report_places(
    sets: Mapping[str, Sequence[Face]],
    placed: Mapping[str, Photograph | str],
    report: ConversionReport,
) -> None:
    """Report faces without a photograph, boxes that leave it, and faces that are there again.

    A face is known by its photograph and its square box.

    Args:
        sets: The faces of each set, without sets that are parts of others.
        placed: What is known of the photographs.
        report: Gets what is found.
    """
    listed: dict[tuple, dict[str, Face]] = {}
    for name, face in ((name, face) for name, faces in sets.items() for face in faces):
        photo = placed[face.image]
        if not isinstance(photo, Photograph):
            report.leave_out(photo, face.label)
        elif face.center is not None:
            if _leaves(face, face.center, photo.size_wh):
                report.note('the box leaves its photograph, and stays as it is', face.label)
            same = listed.setdefault((photo.file_name, face.center, face.side), {})
            _report_again(name, face, same, report)
            same.setdefault(name, face)


def _leaves(face: Face, center: tuple[float, float], size_wh: tuple[int, int]) -> bool:
    (x, y), half, (width, height) = center, face.side / 2, size_wh
    return x < half or y < half or x + half > width or y + half > height


def _report_again(
    name: str, face: Face, same: Mapping[str, Face], report: ConversionReport
) -> None:
    """Report a face of a set that is already in the same or in other sets, one face each."""
    if name in same:
        report.note(LISTED_TWICE, both_labels(same[name], face))
        return
    for other, first in same.items():
        report.note(f'the face is in {other} and in {name}', both_labels(first, face))


def both_labels(first: Face, again: Face) -> str:
    """The name in reports of a face that is there again."""
    return f'{first.image} ({first.where}; {again.where})'


def remark_on_folder(out: Path, placed: Mapping[str, Photograph | str]) -> Iterable[str]:
    """Say how photographs get to where a data set looks for them, unless they are there."""
    photo = next((each for each in placed.values() if isinstance(each, Photograph)), None)
    if photo is None or (out / 'images' / photo.file_name).exists():
        return
    parts = Path(photo.file_name).parts
    target, depth = out / 'images', len(parts)
    if photo.path.absolute().parts[-depth:] != parts:  # a folder of another name on disk
        target, depth = target / parts[0], depth - 1
    source = photo.path.absolute().parents[depth - 1]
    yield (
        f'configs look for {out / "images" / photo.file_name}; one way to have it there: '
        f"mkdir -p '{target.parent}' && ln -s '{source}' '{target}'"
    )
