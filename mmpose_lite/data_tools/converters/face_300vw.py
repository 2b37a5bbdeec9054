"""300VW: from videos with ``.pts`` files of their frames to MMPose's annotation files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.visualization.drawing import write_image

from .annotation_files import Face, points_of, report_places, write_sets
from .face_300w import read_pts
from .photographs import Photograph, Progress, files_below, read_frame
from .report import ConversionReport

# The videos of the test, by its three categories: well lit; of people at computers; any other.
_TESTS = {
    'test_1': '114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 '
    '522 524 525 537 538 540 541 546 547 548',
    'test_2': '203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553',
    'test_3': '410 411 516 517 526 528 529 530 531 533 557 558 559 562',
}
_TRAIN = (
    '001 002 003 004 007 009 010 011 013 015 016 017 018 019 020 022 025 027 028 029 031 033 034 '
    '035 037 039 041 043 044 046 047 048 049 053 057 059 112 113 115 119 120 123 138 143 144 160 '
    '204 205 223 225'
)
VIDEOS = {name: tuple(text.split()) for name, text in {'train': _TRAIN, **_TESTS}.items()}
"""The 114 videos by set."""

PUBLISHED: Mapping[str, int | None] = dict.fromkeys([*VIDEOS, 'test'])
"""The sets; how many of their frames have points is not published."""

_NUM_POINTS = 68


def convert_300vw(
    source: str | Path,
    out: str | Path,
    broken: str | Path | None = None,
    expected: Mapping[str, int | None] = PUBLISHED,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/annotations/face_landmarks_300vw_{train,test,test_1,...}.json`` and the frames.

    A frame is ``out/images/001/imgs/000001.png``; those that are there stay, so that an interrupted
    run goes on. The box is the square about the points that MMPose's converter makes.

    Args:
        source: Folder of the videos: ``001/vid.avi`` and ``001/annot/000001.pts``, the first frame.
        out: Folder to write to.
        broken: A text file of frames to leave out, lines ``VIDEO: 3 10-12``; those whose points
            are known to be wrong, say.
        expected: How many frames there must be.
        progress: Wraps the frames that have points.

    Raises:
        MissingFileError: If there is none of the videos.
        InputError: If ``broken`` cannot be read.
    """
    root, out, report = Path(source), Path(out), ConversionReport('300vw')
    unwanted = {} if broken is None else read_broken(Path(broken))
    files = {video: _files(root, video, report) for videos in VIDEOS.values() for video in videos}
    if not any(files.values()):
        raise MissingFileError(f"source='{root}' has no videos of 300VW: 001/annot/000001.pts")
    total = sum(map(len, files.values()))
    steps = iter(progress(range(total), total))
    placed: dict[str, Photograph | str] = {}
    sets: dict[str, list[Face]] = {name: [] for name in VIDEOS}
    for name, video in ((name, video) for name, videos in VIDEOS.items() for video in videos):
        film = _Video(root / video / 'vid.avi', out / 'images' / video / 'imgs')
        with closing(film):
            for number, path in files[video].items():
                next(steps, None)
                is_wanted = number not in unwanted.get(video, ())
                face = _read_face(path, video, number, report) if is_wanted else None
                if face is not None:
                    sets[name].append(face)
                    placed[face.image] = _photo(out, face.image, film.write_frame(number))
    for _ in steps:  # so that the bar ends
        pass
    report_places(sets, placed, report)
    sets['test'] = [face for name in _TESTS for face in sets[name]]
    stem = out / 'annotations' / 'face_landmarks_300vw'
    write_sets(stem, sets, placed, {'sources': ['annot/*.pts']}, expected, report)
    report.remarks += _about_broken(unwanted, files)
    return report


def read_broken(path: Path) -> dict[str, set[int]]:
    """Read the frames to leave out of each video; see :func:`convert_300vw`.

    Raises:
        InputError: If a line is of another form; the message names it.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"broken='{path}': cannot be read: {error}") from error
    known = {video for videos in VIDEOS.values() for video in videos}
    found: dict[str, set[int]] = {}
    for i, line in enumerate(lines, 1):
        video, colon, frames = (part.strip() for part in line.partition(':'))
        spans = [re.fullmatch(r'(\d{1,6})(?:-(\d{1,6}))?', each) for each in frames.split()]
        if not line.strip():
            continue
        if video not in known or not colon or not all(spans):
            raise InputError(
                f"broken='{path}': line {i} is not a VIDEO: "
                f'FRAME FRAME-FRAME of 300VW: {line[:60]!r}'
            )
        for first, last in (span.groups() for span in spans if span):
            found.setdefault(video, set()).update(range(int(first), int(last or first) + 1))
    return found


def _files(root: Path, video: str, report: ConversionReport) -> dict[int, Path]:
    """The files of points of a video, by the numbers of their frames, from 1."""
    paths = files_below(root / video / 'annot', ('.pts',))
    if not paths:
        report.leave_out('the video is missing, or has no files of points', video)
    found = {int(path.stem): path for path in paths if path.stem.isdecimal()}
    for path in paths:
        if not path.stem.isdecimal():
            report.note('the file of points names no frame', str(path))
    return dict(sorted(found.items()))


def _read_face(path: Path, video: str, number: int, report: ConversionReport) -> Face | None:
    points = points_of(path, partial(read_pts, num_points=_NUM_POINTS), report)
    if points is None:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    return Face(
        image=f'{video}/imgs/{number:06d}.png',
        where=f'{video}/annot/{path.name}',
        points=points,
        flags=np.ones(_NUM_POINTS, dtype=np.int64),
        center=(x, y),
        side=float(math.ceil((high - low).max())),
    )


def _photo(out: Path, image: str, size_wh: tuple[int, int] | None) -> Photograph | str:
    if size_wh is None:
        return 'its video has no such frame, or cannot be read'
    return Photograph(out / 'images' / image, image, size_wh)


class _Video:
    """Writes frames of a video, in rising order, unless they are there.

    Args:
        path: The video.
        folder: The folder of the frames.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self._capture: cv2.VideoCapture | None = None
        self._number = 0  # of the frame that the capture is at, from 1

    def write_frame(self, number: int) -> tuple[int, int] | None:
        """Return the width and height of a frame; None if there is none."""
        file_name = self._folder / f'{number:06d}.png'
        written = read_frame(file_name)
        if written is not None:
            return written.size_wh
        frame = self._decode(number)
        if frame is None:
            return None
        write_image(frame, file_name)
        return frame.shape[1], frame.shape[0]

    def _decode(self, number: int) -> ndarray | None:
        if self._capture is None:
            if not self._path.is_file():
                return None
            self._capture = cv2.VideoCapture(str(self._path))
        while self._number < number:
            if not self._capture.grab():
                return None
            self._number += 1
        is_there, frame = self._capture.retrieve()
        return frame if is_there else None

    def close(self) -> None:
        """Let go of the video."""
        if self._capture is not None:
            with suppress(cv2.error):
                self._capture.release()


def _about_broken(
    unwanted: Mapping[str, set[int]], files: Mapping[str, Mapping[int, Path]]
) -> Iterator[str]:
    """Say which frames are left out, or that none are."""
    count = sum(len(unwanted.get(video, set()) & set(found)) for video, found in files.items())
    if unwanted:
        yield f'{count} frames are left out, as --broken asks'
    else:
        yield (
            'the points of some frames are known to be wrong; --broken FILE leaves out those that '
            'it lists'
        )
