"""Points of a video's faces, frame by frame, and the annotated video."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.progress import track as show_progress

from .boxes import PointsMap
from .results import Landmarks
from .sources import Photograph, has_photographs, is_pattern, matches, videos_below
from .tracking import EVERY, FindsFaces, PointFilters, Tracker, follow_faces, smooth_both_ways
from .video import VideoError, VideoReader, is_video, writing_video
from .writers import Layout, Writer

_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


def as_video(source: Any) -> str | int | None:
    """A video's file, a stream's address or a camera's number; None for what is none of these."""
    if isinstance(source, int):
        return source
    if not isinstance(source, str | Path):
        return None
    text = str(source)
    if text.isdecimal() and not Path(text).exists():
        return int(text)
    return text if is_video(text) else None


def video_of(photograph: Photograph) -> str | None:
    """The video that a frame is of, as it was named; None for a photograph."""
    is_frame = photograph.frame is not None
    return photograph.name.rpartition(' frame ')[0] if is_frame else None


def video_stem(video: str, path: str | None) -> str:
    """A name for the results of a video, by its file; of a camera or a stream if it has none."""
    if path:
        return Path(path).stem
    return f'camera{video}' if video.isdecimal() else 'stream'


def video_file(folder: Path, stem: str, others: Collection[Path] = ()) -> Path:
    """The file of a video's frames with their points, beside those of others of its name."""
    names = (folder / f'{stem}{end}.mp4' for end in chain([''], (f'_{n}' for n in count(2))))
    return next(name for name in names if name not in others)


def split_videos(source: Any) -> tuple[list[str | int], Any]:
    """Take the videos out of what is named, of folders and patterns as well.

    Returns:
        The videos, and what is left, which is as it was without a video, and empty if all is
        videos.
    """
    several = list(source) if isinstance(source, list | tuple) else [source]
    videos: list[str | int] = []
    others: list[Any] = []
    for each in several:
        within, rest = _apart(each)
        videos += within
        others += rest
    videos = list(dict.fromkeys(videos))
    return videos, others if videos else source


def _apart(source: Any) -> tuple[Sequence[str | int], list[Any]]:
    """The videos of one source, and what is left of it."""
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else ''
    if is_pattern(name):
        files = matches(name)
        videos = [file for file in files if is_video(file)]
        return videos, [file for file in files if not is_video(file)] if videos else [source]
    if os.path.isdir(name):
        videos = videos_below(name)
        return videos, [source] if has_photographs(name) or not videos else []
    video = as_video(source)
    return ([], [source]) if video is None else ([video], [])


def open_videos(
    videos: Sequence[str | int],
    has_boxes: bool = False,
    stream: bool = True,
    on_error: Callable[[str, InputError], None] | None = None,
) -> list[VideoReader]:
    """Open videos whose frames all results are wanted of; files are closed until they are read.

    Args:
        videos: Files, addresses and numbers of cameras.
        has_boxes: True where boxes are given, which are those of one photograph.
        stream: True where results are taken as they come.
        on_error: Told of each file that is no video; the others are opened. Without it, the first
            one is an error.

    Raises:
        InputError: If one cannot be opened, has no end and must not be a stream, or boxes are given
            for all of its frames.
    """
    if has_boxes:
        raise InputError("boxes are those of one photograph, not of a video's frames")
    readers = []
    for each in videos:
        try:
            reader = VideoReader(each)
        except InputError as error:
            if on_error is None or isinstance(error, MissingFileError) or not _is_file(each):
                raise
            on_error(str(each), error)
            continue
        readers.append(reader)
        if reader.path is not None:
            reader.close()
    endless = next((each for each in readers if each.path is None), None)
    if endless is not None and not stream:
        raise InputError(f'{endless.name} has no end: stream=True yields its frames as they come')
    return readers


def _is_file(video: str | int) -> bool:
    return isinstance(video, str) and os.path.exists(video)


def video_results(
    landmarker: FindsFaces,
    reader: VideoReader,
    track: bool = False,
    smooth: bool = False,
    every: int = EVERY,
    points_map: PointsMap | None = None,
    on_error: Callable[[str, InputError], None] | None = None,
) -> Iterator[Landmarks]:
    """Find the points of the faces in each frame of a video.

    Args:
        landmarker: The model, with its detector.
        reader: The video.
        track: Follow faces from frame to frame: they have ids, and the detector looks at every
            n-th frame.
        smooth: Smooth the points of faces that are followed. A file is read to its end first, since
            frames before and after one are taken into account; a camera has only those before.
        every: Frames from one use of the detector to the next.
        points_map: The map from points to boxes, of the model's calibration.
        on_error: Told of a file that cannot be read; without it, that is an error.

    Yields:
        One result a frame, in their order.
    """
    try:
        if not (track or smooth):
            yield from landmarker.predict((frame, landmarker.find_boxes(frame)) for frame in reader)
            return
        found = follow_faces(landmarker, reader, Tracker(points_map, every))
        if not smooth:
            yield from found
        elif reader.path is None:
            yield from map(PointFilters(), found)
        else:
            yield from _smooth_file(reader.path, found, reader.count)
    except VideoError as error:
        if on_error is None:
            raise
        on_error(reader.name, error)


def _smooth_file(path: str, found: Iterator[Landmarks], count: int | None) -> Iterator[Landmarks]:
    """Smooth a whole file, of which only the points are kept, and read its frames once more."""
    kept = [
        replace(each, photograph=replace(each.photograph, image=_NO_PIXELS))
        for each in show_progress(found, count, 'frames tracked')
    ]
    frames = VideoReader(path)
    for frame, result in zip(frames, smooth_both_ways(kept), strict=True):
        yield replace(result, photograph=frame)


class AnnotatedVideo(Writer):
    """A form of results: each video with its points drawn, its times and its sound.

    Args:
        layout: Where videos go, as ``NAME.mp4``, and which points are drawn.

    Attributes:
        path: The folder.
        files: The videos.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.path = layout.folder
        self.files: list[Path] = []
        self._source: str | None = None
        self._stack = ExitStack()
        self._write: Any = None

    def write(self, result: Landmarks) -> None:
        """Draw a frame; photographs are in no video."""
        frame = result.photograph
        if frame.time_s is None:
            return
        source = video_of(frame)
        if source is not None and source != self._source:
            self.close()
            self._begin(source, frame.path)
        self._write(result.draw(self.layout.least_score), frame.time_s)

    def _begin(self, source: str, path: str | None) -> None:
        self._source = source
        self.files.append(video_file(self.path, video_stem(source, path), self.files))
        self._write = self._stack.enter_context(writing_video(self.files[-1], path))

    def close(self) -> None:
        """Finish the video."""
        self._stack.close()
        self._source = None
