"""One file of crops: their pixels one after the other, a table, and a description of the source.

It is written under another name and renamed once it is on disk, so a file with an intact end is
complete; later damage shows in the checksums of table and crops.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import replacing

from .crop_window import Window

_MAGIC = b'mmpose_lite crops 1\n'
_ROW = np.dtype(
    [
        ('index', '<i8'),
        ('offset', '<i8'),
        ('window', '<i4', 5),
        ('image_hw', '<i4', 2),
        ('checksum', '<u4'),
    ]
)
_TAIL = np.dtype(
    [('rows', '<i8'), ('about_bytes', '<i8'), ('checksum', '<u4'), ('magic', f'S{len(_MAGIC)}')]
)


class Crop(NamedTuple):
    """A window of a photograph: uint8 pixels ``(h, w, 3)``, its place, and the whole's (h, w)."""

    pixels: ndarray
    window: Window
    image_hw: tuple[int, int]


class DamagedCropsError(ValueError):
    """A file of crops is not as it was written."""


def write_crops(path: Path, crops: Iterable[tuple[int, Crop]], about: dict[str, Any]) -> None:
    """Write a file of crops; it appears under its name only when it is complete and on disk.

    Crops come with their indices, 0 to N - 1 in any order; for ``about``, plain data, see
    :attr:`CropFile.about`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    with replacing(path, durable=True) as file:
        file.write(_MAGIC)
        for index, crop in crops:
            pixels = np.ascontiguousarray(crop.pixels).reshape(-1)
            checksum = zlib.crc32(pixels.data)
            rows.append((index, file.tell(), crop.window, crop.image_hw, checksum))
            file.write(pixels.data)
        table, description = np.array(rows, dtype=_ROW), json.dumps(about).encode()
        footer = table.tobytes() + description
        tail = (len(table), len(description), zlib.crc32(footer), _MAGIC)
        file.write(footer + np.array(tail, dtype=_TAIL).tobytes())


class CropFile:
    """A file of crops, mapped into memory: the processes that read it share its pages.

    Args:
        path: The file.

    Attributes:
        path: The file.
        about: What the crops were made of.
        pixels: The whole file, uint8 ``(T,)``, read-only; crops lie in it by their offsets.
        offsets: ``(N,)`` int64, where in ``pixels`` each crop begins.
        shapes_hw: ``(N, 2)`` int64, height and width of each crop.

    Raises:
        FileNotFoundError: If there is none.
        DamagedCropsError: If it is not whole.
        InputError: If it is no regular file.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not stat.S_ISREG(os.stat(self.path).st_mode):
            raise InputError(f"cache: '{path}' is a folder, pipe or device, not a file of crops")
        with self.path.open('rb') as file:
            if os.fstat(file.fileno()).st_size < len(_MAGIC) + _TAIL.itemsize:
                raise DamagedCropsError(f'{path} is not a crop cache')
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.pixels = np.frombuffer(content, dtype=np.uint8)
        table, self.about = self._read_footer(content)
        table = table[np.argsort(table['index'])]
        windows = [Window(*map(int, row)) for row in table['window']]
        self.offsets = table['offset'].astype(np.int64)
        self.shapes_hw = np.array([each.shape_hw for each in windows], dtype=np.int64)
        self._windows = windows
        self._images_hw = [(int(height), int(width)) for height, width in table['image_hw']]
        self._checksums = table['checksum']
        self._checked = np.zeros(len(table), dtype=bool)
        self._check_places(table['index'])

    def _read_footer(self, content: mmap.mmap) -> tuple[ndarray, dict[str, Any]]:
        end = len(content) - _TAIL.itemsize
        tail = np.frombuffer(content[end:], dtype=_TAIL)[0]
        footer = b''
        if tail['magic'] == _MAGIC:
            middle = end - int(tail['about_bytes'])
            begin = middle - int(tail['rows']) * _ROW.itemsize
            footer = content[max(begin, 0) : end]
        if not footer or zlib.crc32(footer) != tail['checksum']:
            raise DamagedCropsError(f'{self.path} is damaged: its end is not as it was written')
        return np.frombuffer(footer[: middle - begin], _ROW), json.loads(footer[middle - begin :])

    def _check_places(self, index: ndarray) -> None:
        """Refuse a table whose crops lie beyond the file."""
        heights, widths = self.shapes_hw.reshape(-1, 2).T
        ends = self.offsets + 3 * heights * widths
        inside = (self.offsets >= 0) & (ends <= len(self.pixels)) & (heights > 0) & (widths > 0)
        if not (inside.all() and np.array_equal(index, np.arange(len(index)))):
            raise DamagedCropsError(f'{self.path} is damaged: crops lie outside of it')

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> Crop:
        """Return crop ``index``; its pixels are the file's, and read-only."""
        height, width = self._windows[index].shape_hw
        begin = self.offsets[index]
        pixels = self.pixels[begin : begin + height * width * 3].reshape(height, width, 3)
        return Crop(pixels, self._windows[index], self._images_hw[index])

    def check(self, index: int) -> None:
        """Compare a crop with its checksum, once a process.

        Raises:
            DamagedCropsError: If it differs.
        """
        if not self._checked[index]:
            if zlib.crc32(self[index].pixels.data) != self._checksums[index]:
                raise DamagedCropsError(f'{self.path} is damaged: crop {index} has changed')
            self._checked[index] = True

    def check_all(self) -> None:
        """Compare every crop with its checksum; see :meth:`check`."""
        for index in range(len(self)):
            self.check(index)

    def __reduce__(self) -> tuple:
        return _reopen, (self.path, self.about)


def _reopen(path: Path, about: dict[str, Any]) -> CropFile:
    """Open the file that another process has open."""
    file = CropFile(path)
    if file.about != about:
        raise DamagedCropsError(f'{path} has been replaced by crops of something else')
    return file
