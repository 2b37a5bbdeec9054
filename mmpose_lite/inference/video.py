"""Videos in and out: frames with their times, and files that keep both and the sound.

Frames are ``(H, W, 3)`` uint8 BGR, upright; times are in seconds.
"""

from __future__ import annotations

import logging
import math
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.files import beside
from mmpose_lite.utils.paths import check_apart, shown
from mmpose_lite.visualization.drawing import draw_text

from .sources import PHOTOGRAPHS, VIDEOS, Photograph

_STREAMS = ('rtsp://', 'rtsps://', 'rtmp://', 'http://', 'https://')
_WHOLE = 0.9  # of the frames that a file says it has: often an estimate
_TICKS = 90_000  # of a second, where the input does not say in which it counts
_USUAL_RATE = 30.0
_QUALITY = '20'  # x264's constant rate factor
_DISPLAYS = ('DISPLAY', 'WAYLAND_DISPLAY')
_ESCAPE = 27
_X_PORT = 6000  # of display 0
# Sound that an MP4 file may hold as it is; other sound becomes AAC.
_SOUNDS = ('aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac')


def is_video(name: str | os.PathLike) -> bool:
    """Tell whether a file is a video, or an address a stream, by its name."""
    text = os.fspath(name)
    is_address = text.lower().startswith(_STREAMS)
    ending = Path(text.partition('?')[0] if is_address else text).suffix.lower()
    return ending in VIDEOS or (is_address and ending not in PHOTOGRAPHS)


class VideoError(InputError):
    """A video that was opened cannot be read."""


class VideoReader:
    """The frames of a video file, of a stream or of a camera, one after the other.

    Args:
        source: A file, a stream's address, or a camera's number.

    Attributes:
        name: The source as text.
        path: The file; None if it is none.
        rate: Frames a second, as the source says.
        size_wh: Width and height, pixels.
        count: Number of frames that a file says it has; None if it does not.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no video, or a camera does not answer.
    """

    def __init__(self, source: str | os.PathLike | int) -> None:
        self.name = str(source) if isinstance(source, int) else os.fspath(source)
        is_file = not isinstance(source, int) and '://' not in self.name
        if is_file and not os.path.exists(self.name):
            raise MissingFileError(f'video {shown(self.name)} does not exist')
        self.path = self.name if is_file else None
        self._capture = _open(source if isinstance(source, int) else self.name)
        if not self._capture.isOpened():
            if isinstance(source, int):
                raise InputError(
                    f'camera {source} does not answer: it is not connected, or in use elsewhere'
                )
            fault = 'cannot be read as a video' if is_file else 'does not answer'
            raise InputError(f'video {shown(self.name)} {fault}')
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE
        self.size_wh = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.count = count if is_file and count > 0 else None

    def __iter__(self) -> Iterator[Photograph]:
        """Yield the frames, with number and time; a later one has a later time.

        A file that ends long before the number of frames that it says is a warning.

        Raises:
            VideoError: If a file has no frame that can be read, or is gone by now.
        """
        if self.path is not None and not self._capture.isOpened():
            self._capture = _open(self.path)
        last, number, start = -1.0, 0, time.perf_counter()
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                break
            if self.path is None:
                time_s = time.perf_counter() - start
            else:
                time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if time_s <= last:  # of a source that counts no time
                time_s = last + 1 / self.rate if number else 0.0
            yield Photograph(f'{self.name} frame {number}', image, self.path, number, time_s)
            last, number = time_s, number + 1
        self.close()
        if self.path is not None and number == 0:
            raise VideoError(f'video {shown(self.path)} has no frame that can be read')
        if self.count is not None and number < _WHOLE * self.count:
            print_log(
                f'video {shown(self.name)} ends after {number:,} of {self.count:,} frames',
                logger='current',
                level=logging.WARNING,
            )

    def close(self) -> None:
        """Release the file or the camera."""
        self._capture.release()


def _open(source: str | int) -> cv2.VideoCapture:
    """Open a file, an address or a camera, without OpenCV's lines about each way that it tries."""
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source)
    finally:
        log.setLogLevel(level)


@contextmanager
def writing_video(
    path: str | os.PathLike, source: str | None, rate: float = _USUAL_RATE
) -> Iterator[Any]:
    """Write a video, which is at its place once the block ends well.

    Yields a function that takes frames with their times, all of one size. With PyAV the file has
    H.264, the times of its frames, and the sound of the source; without it MPEG-4 at an even rate,
    and a warning says that the sound is left out.

    Args:
        path: The file, an ``.mp4``.
        source: The file whose rate, times and sound it has; None if there is none.
        rate: Frames a second, where there is no file.

    Raises:
        InputError: If the name ends otherwise, the video cannot be written, or it is the source.
    """
    path = Path(path)
    if path.suffix.lower() != '.mp4':
        raise InputError(f'video {shown(str(path))}: videos are written as .mp4')
    check_apart('video', [path], [source])
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = _AvWriter if has_av() else _Mpeg4Writer
    with beside(path) as part:
        writer = kind(part, source, rate if source is None else VideoReader(source).rate)
        try:
            yield writer.write
            writer.finish()
        finally:
            writer.close()


def has_av() -> bool:
    """Tell whether PyAV is installed."""
    return find_spec('av') is not None


class _AvWriter:
    """H.264 with the source's times and sound, by PyAV."""

    def __init__(self, part: Path, source: str | None, rate: float) -> None:
        import av

        self._av = av
        self._output = av.open(str(part), 'w', format='mp4', options={'movflags': '+faststart'})
        self._input = None
        if source is not None:
            with suppress(av.FFmpegError):  # of files that OpenCV reads, such as patterns
                self._input = av.open(source)
        self._ticks, self._start = self._count_ticks()
        frames_a_second = Fraction(rate).limit_denominator(1001)
        self._stream = self._output.add_stream(
            'libx264', rate=frames_a_second, options={'crf': _QUALITY}
        )
        self._stream.pix_fmt = 'yuv420p'
        self._is_open = False
        self._sound = _Sound(self._input, self._output) if self._input else None

    def _count_ticks(self) -> tuple[Fraction, int]:
        """The unit of the source's times, in seconds, and its first frame's time in it."""
        video = self._input.streams.video if self._input else ()
        if video and video[0].time_base:
            return video[0].time_base, video[0].start_time or 0
        return Fraction(1, _TICKS), 0

    def write(self, image: ndarray, time_s: float) -> None:
        """Write a frame; one of odd size gets a further row or column, as H.264 needs it."""
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            border = (0, height % 2, 0, width % 2)
            image = cv2.copyMakeBorder(image, *border, cv2.BORDER_REPLICATE)
        if not self._is_open:
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.codec_context.time_base = self._ticks
            self._is_open = True
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='bgr24')
        frame.pts, frame.time_base = self._start + round(time_s / self._ticks), self._ticks
        self._output.mux(self._stream.encode(frame))
        if self._sound:
            self._sound.copy(time_s)

    def finish(self) -> None:
        """Write what the encoder holds back, and the rest of the sound."""
        if not self._is_open:
            raise InputError('a video without a frame cannot be written')
        self._output.mux(self._stream.encode(None))
        if self._sound:
            self._sound.copy(math.inf)

    def close(self) -> None:
        with suppress(self._av.FFmpegError, ValueError):  # of a file without a frame
            self._output.close()
        if self._input:
            self._input.close()


class _Sound:
    """The first sound of a file, for another one."""

    def __init__(self, source: Any, output: Any) -> None:
        self._output = output
        stream = next(iter(source.streams.audio), None)
        self._packets = iter(()) if stream is None else source.demux(stream)
        self._is_copied = stream is not None and stream.codec_context.name in _SOUNDS
        self._to: Any = None
        if self._is_copied:
            self._to = output.add_stream_from_template(stream)
        elif stream is not None:
            self._to = output.add_stream('aac', rate=stream.rate)

    def copy(self, until_s: float) -> None:
        """Copy packets up to a time, or encode them anew where MP4 does not hold them."""
        for packet in self._packets:
            time_s = 0.0 if packet.dts is None else float(packet.dts * packet.time_base)
            if not self._is_copied:
                for frame in packet.decode():
                    self._output.mux(self._to.encode(frame))
            elif packet.dts is not None:  # the last one is empty
                packet.stream = self._to
                self._output.mux(packet)
            if time_s > until_s:
                return
        if not self._is_copied and self._to and until_s == math.inf:
            self._output.mux(self._to.encode(None))


class _Mpeg4Writer:
    """MPEG-4 without sound, at an even rate, by OpenCV."""

    def __init__(self, part: Path, source: str | None, rate: float) -> None:
        print_log(
            'the video has neither sound nor H.264, nor uneven times of frames: '
            "pip install 'mmpose_lite[video]' brings PyAV, which writes them",
            'current',
            logging.WARNING,
        )
        self._part, self._rate = part, rate
        self._file = part.with_name(f'{part.name}.mp4')  # OpenCV goes by the ending
        self._writer: Any = None

    def write(self, image: ndarray, time_s: float) -> None:
        """Write a frame."""
        if self._writer is None:
            code = cv2.VideoWriter.fourcc(*'mp4v')
            size_wh = image.shape[1::-1]
            self._writer = cv2.VideoWriter(str(self._file), code, self._rate, size_wh)
            if not self._writer.isOpened():
                raise InputError(f'OpenCV cannot write a video of {size_wh[0]}x{size_wh[1]} pixels')
        self._writer.write(image)

    def finish(self) -> None:
        """Move the file to where it is expected."""
        if self._writer is None:
            raise InputError('a video without a frame cannot be written')
        self._release()
        os.replace(self._file, self._part)

    def close(self) -> None:
        """Leave nothing of a file that is not finished."""
        self._release()
        self._file.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.release()
        self._writer = None


class Window:
    """A window that shows frames as they come, with their rate, until somebody types q.

    Args:
        title: Its title.

    Raises:
        InputError: If there is no display.
    """

    def __init__(self, title: str) -> None:
        fault = about_display()
        if fault:
            raise InputError(fault)
        _give_fonts_to_qt()
        self._title = title
        self._last = time.perf_counter()
        self._rate = 0.0

    def show(self, image: ndarray) -> bool:
        """Show a frame; return False once the window is closed, or q or Esc typed."""
        now = time.perf_counter()
        rate = 1 / max(now - self._last, 1e-6)
        self._rate = rate if not self._rate else 0.9 * self._rate + 0.1 * rate
        self._last = now
        text = f'{self._rate:.1f} fps'
        picture = np.ascontiguousarray(image[..., ::-1])
        draw_text(picture, text, np.array([8, 8]), 24, 'white', vertical='top', background='black')
        cv2.imshow(self._title, picture[..., ::-1])
        key = cv2.waitKey(1) & 0xFF
        is_open = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        return is_open and key not in (ord('q'), _ESCAPE)

    def close(self) -> None:
        """Close the window."""
        with suppress(cv2.error):
            cv2.destroyWindow(self._title)


def about_display(option: str = '--show', instead: str = '--save video') -> str:
    """Say why no window can be opened; empty if one can.

    Args:
        option: What asks for the window.
        instead: What writes files instead.
    """
    files = f'{instead} writes what a window would show'
    if sys.platform.startswith('linux') and not any(map(os.environ.get, _DISPLAYS)):
        names = ', '.join(_DISPLAYS)
        return f'{option} needs a display, and none of {names} is set; without one, {files}'
    display = os.environ.get('DISPLAY', '')
    if sys.platform.startswith('linux') and display and not _answers(display):
        return f'{option}: the display DISPLAY={display} does not answer; without one, {files}'
    gui = re.search(r'GUI:\s+(\S+)', cv2.getBuildInformation())
    if gui is None or gui[1] == 'NONE':
        return (
            f'{option}: this OpenCV has no windows, as that of opencv-python-headless: pip install '
            f'opencv-python in its place, or {files}'
        )
    return ''


def _give_fonts_to_qt() -> None:
    """Show matplotlib's fonts to OpenCV's Qt, which looks for them where its wheel has none."""
    if not os.path.isdir(os.environ.get('QT_QPA_FONTDIR', os.curdir)):
        import matplotlib

        os.environ['QT_QPA_FONTDIR'] = os.path.join(matplotlib.get_data_path(), 'fonts', 'ttf')


def _answers(display: str) -> bool:
    """Tell whether an X server listens; without one, OpenCV's windows end the whole process."""
    host, _, number = display.rpartition(':')
    screen = number.partition('.')[0]
    if not screen.isdecimal():
        return False
    try:
        if host not in ('', 'unix'):
            socket.create_connection((host, _X_PORT + int(screen)), timeout=5).close()
            return True
    except OSError:
        return False
    path = f'/tmp/.X11-unix/X{screen}'
    return any(_listens(each) for each in (path, f'\0{path}'))  # a file, or Linux's abstract name


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(path) == 0
