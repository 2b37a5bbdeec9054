"""Crops of a data set's faces, cut once from their photographs and kept."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.logging import print_log
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.structures.bbox import bbox_xyxy2cs
from mmpose_lite.utils.files import lock_file, remove_parts
from mmpose_lite.utils.progress import track

from .crop_file import Crop, CropFile, DamagedCropsError, write_crops
from .crop_window import CropExtent

_VERSION = 3
_READ = ('img_path', 'image_wh', 'exif_applied', 'id')  # by the loader, of a sample
_WORKERS = min(os.cpu_count() or 1, 8)
_SAMPLE = 4096  # bytes, at the beginning, in the middle and at the end of a photograph


@dataclass(frozen=True)
class CacheSettings:
    """The ``cache`` of a data set.

    Attributes:
        dir: Folder of the file; ``crops`` below the data root by default.
        shrink: Keep no more pixels than the largest zoom needs: large faces are shrunk by a whole
            factor, each pixel the mean of a block. Smaller, and less aliased, but no longer the
            pixels that a crop of the photograph has.
        further_pipelines: Other pipelines that the crops are to serve, as configs; a training adds
            those that it switches to.
    """

    dir: str | None = None
    shrink: bool = False
    further_pipelines: Sequence[Sequence[dict]] = ()

    @classmethod
    def of(cls, cache: bool | str | dict | None) -> CacheSettings | None:
        """Read the ``cache`` of a config: None or False, True, a folder, or a dict of settings.

        Raises:
            InputError: If it is none of these.
        """
        if cache is None or cache is False:
            return None
        settings = {} if cache is True else {'dir': cache} if isinstance(cache, str) else cache
        unknown = set(settings) - set(cls.__dataclass_fields__) if isinstance(settings, dict) else 1
        if unknown:
            raise InputError(
                f'cache={cache!r} is neither a folder, nor True, nor a dict of '
                f'{", ".join(cls.__dataclass_fields__)}'
            )
        return cls(**settings)


@dataclass(frozen=True)
class Face:
    """A face to cut a crop for: its photograph, and its box's centre and scale in pixels."""

    id: Any
    img_path: str
    center: ndarray
    scale: ndarray

    @classmethod
    def of(cls, sample: Mapping[str, Any]) -> Face:
        """Read a face from a sample of a data set."""
        if 'bbox_center' in sample and 'bbox_scale' in sample:
            center, scale = sample['bbox_center'], sample['bbox_scale']
        else:
            center, scale = bbox_xyxy2cs(sample['bbox'])
        return cls(sample['id'], sample['img_path'], center[0], scale[0])


class CropCache:
    """The crops of a data set's faces; the file is built if it is missing or does not fit.

    The file's name has the annotation file's, and a hash of the settings, so that crops for
    training and for testing live side by side.

    Args:
        settings: The settings.
        samples: The samples of the data set, in its order.
        extent: What of a photograph the pipeline can read.
        loader: The transform that loads a photograph, uint8 ``(H, W, 3)``, as ``img``.
        ann_file: The annotation file.
        img_folder: Folder of the photographs.
        folder: Where the file lies if the settings do not say.
        part: The part of the annotation file that the samples are of; None for all.

    Attributes:
        file: The file of crops.

    Raises:
        MissingFileError: If a photograph is missing.
        InputError: If the loader does not load it as uint8 with 3 channels.
    """

    def __init__(
        self,
        settings: CacheSettings,
        samples: Sequence[Mapping[str, Any]],
        extent: CropExtent,
        loader: Callable[[dict], dict | None],
        ann_file: str,
        img_folder: str,
        folder: str,
        part: Any = None,
    ) -> None:
        faces = [Face.of(sample) for sample in samples]
        self._faces = faces
        self._extent = extent
        self._loader = loader
        self._photographs = {
            sample['img_path']: {key: sample[key] for key in _READ if key in sample}
            for sample in samples
        }
        self._settings = settings
        self._rows = {face.id: i for i, face in enumerate(faces)}
        self._first: int | None = None
        about = {
            'version': _VERSION,
            'annotations': hashlib.sha256(Path(ann_file).read_bytes()).hexdigest(),
            'faces': _digest_faces(faces),
            'extent': json.loads(json.dumps(asdict(extent))),
            'shrink': settings.shrink,
        }
        places = (os.path.abspath(ann_file), os.path.abspath(img_folder))
        parts = () if part is None else (part,)
        asked = (places, extent, settings.shrink, len(faces), loader, *parts)
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()
        path = Path(settings.dir or folder, f'{Path(ann_file).stem}-{digest[:8]}.crops')
        self._path, self._about = path, about
        # Left by a process that found damage, for the next one that opens the file.
        self._mark = path.with_name(f'{path.name}.damaged')
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ranks, and runs that begin together, wait for the one that builds.
        with lock_file(f'{self._path}.lock'):
            self.file = self._open() or self._build()

    def _open(self) -> CropFile | None:
        path = self._path
        if os.path.lexists(self._mark):
            self._mark.unlink()
            print_log(f'{path} was found damaged by an earlier run; it is rebuilt', 'current')
            return None
        try:
            file = CropFile(path)
        except FileNotFoundError:
            return None
        except DamagedCropsError as error:
            print_log(f'{error}; it is rebuilt', 'current')
            return None
        changed = [name for name, value in self._about.items() if file.about.get(name) != value]
        if changed:
            print_log(f'{path} is of other {", ".join(changed)}; it is rebuilt', 'current')
            return None
        return file

    def _open_sound(self) -> CropFile | None:
        file = self._open()
        try:
            if file is not None:
                file.check_all()
        except DamagedCropsError:
            return None
        return file

    def _build(self) -> CropFile:
        path = self._path
        crops = self._cut_all(f'{path.name}: cutting {len(self._faces)} crops')
        remove_parts(path)
        write_crops(path, crops, self._about)
        file = CropFile(path)
        size = len(file.pixels) / 1e6
        print_log(
            f'{path}: {len(file)} crops, {size:.0f} MB, {1000 * size / len(file):.0f} MB per '
            '1,000 faces',
            'current',
        )
        return file

    def _cut_all(self, title: str) -> Iterator[tuple[int, Crop]]:
        """Cut every crop; a photograph of several faces is read once."""
        order = sorted(range(len(self._faces)), key=lambda i: self._faces[i].img_path)
        jobs = [list(job) for _, job in groupby(order, key=lambda i: self._faces[i].img_path)]
        # OpenCV decodes outside the interpreter's lock, so threads are enough.
        with ThreadPoolExecutor(_WORKERS) as pool:
            # In portions: the disk may be slower than the decoding, and photographs are large.
            portions = range(0, len(jobs), 4 * _WORKERS)
            for begin in track(portions, len(portions), title):
                for crops in pool.map(self._cut, jobs[begin : begin + 4 * _WORKERS]):
                    yield from crops

    def _cut(self, indices: list[int]) -> list[tuple[int, Crop]]:
        """Cut the crops of faces that are in one photograph."""
        image = self._load(self._faces[indices[0]].img_path)
        height, width = image.shape[:2]
        crops = []
        for index in indices:
            face = self._faces[index]
            window = self._extent.window(
                face.center, face.scale, (width, height), self._settings.shrink
            )
            pixels = image[window.y : window.y + window.height, window.x : window.x + window.width]
            if window.shrink > 1:
                size_wh = window.shape_hw[::-1]
                pixels = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA)
            crops.append((index, Crop(pixels, window, (height, width))))
        return crops

    def _load(self, img_path: str) -> ndarray:
        results = self._loader(dict(self._photographs[img_path]))
        image = None if results is None else results['img']
        if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(
                f"cache: image '{img_path}' is not uint8 with 3 channels by {self._loader}"
            )
        return image

    def sample(self, face_id: Any) -> dict[str, Any]:
        """Return the keys with which the pipeline starts in place of a photograph.

        Returns:
            ``img`` (the crop, read-only), ``img_window`` (where it lies), ``img_shape`` and
            ``ori_shape`` (of the photograph), ``crop_index``.
        """
        index = self._rows[face_id]
        crop = self.file[index]
        if self._first is None:
            crop = self._checked(index, crop)
        return {
            'img': crop.pixels,
            'img_window': crop.window,
            'img_shape': crop.image_hw,
            'ori_shape': crop.image_hw,
            'crop_index': index + (self._first or 0),
        }

    def verify(self) -> None:
        """Compare every crop with its checksum; build the file anew if one differs.

        Of several processes that find so, the first builds, and the others open what it built.
        """
        try:
            self.file.check_all()
        except DamagedCropsError as error:
            print_log(f'{error}; it is rebuilt', 'current')
            with lock_file(f'{self._path}.lock'):
                self.file = self._open_sound() or self._build()

    def leave_pixels(self, first: int) -> None:
        """Number the crops from ``first`` on for a reader that has their pixels; read none."""
        self._first = first

    def _checked(self, index: int, crop: Crop) -> Crop:
        """Return the crop, or if the file is damaged, the same cut from its photograph."""
        try:
            self.file.check(index)
        except DamagedCropsError as error:
            if not os.path.lexists(self._mark):
                print_log(f'{error}; photographs are read instead, the next run rebuilds it')
                with suppress(OSError):
                    self._mark.touch(exist_ok=False)
            return self._cut([index])[0][1]
        return crop


def _digest_faces(faces: Sequence[Face]) -> str:
    """Hash the boxes, and the names and states of their photographs."""
    paths = list(dict.fromkeys(face.img_path for face in faces))
    with ThreadPoolExecutor(_WORKERS) as pool:  # for disks that take their time
        states = dict(zip(paths, pool.map(_state_of, paths), strict=True))
    digest = hashlib.sha256()
    for face in faces:
        name = os.path.basename(face.img_path)
        digest.update(repr((face.id, name, states[face.img_path])).encode())
        digest.update(np.concatenate([face.center, face.scale]).astype(np.float64).tobytes())
    return digest.hexdigest()


def _state_of(path: str) -> tuple[int, int, bytes]:
    """Read a photograph's size, its time of change, and a hash of some of its bytes."""
    # The bytes show a file that was replaced by another of the same size and time: compressed data
    # of a JPEG or PNG differ from the first different pixel on.
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):  # refused when it is read
            return state.st_size, state.st_mtime_ns, b''
        last = max(state.st_size - _SAMPLE, 0)
        with open(path, 'rb', buffering=0) as file:
            digest = hashlib.blake2b(digest_size=16)
            for begin in (0, last // 2, last):
                file.seek(begin)
                digest.update(file.read(_SAMPLE))
    except FileNotFoundError as error:
        raise MissingFileError(f"image '{path}' does not exist") from error
    except OSError as error:
        raise InputError(f"image '{path}' cannot be read: {error.strerror}") from error
    return state.st_size, state.st_mtime_ns, digest.digest()
