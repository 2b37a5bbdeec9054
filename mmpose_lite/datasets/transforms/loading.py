"""Reading photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmcv.image.io import imfrombytes, supported_backends
from mmcv.transforms import LoadImageFromFile

from mmpose_lite.errors import InputError
from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.utils.images import (
    APPLIED,
    IGNORING,
    TIFF_STARTS,
    BadImageError,
    MissingImageError,
    decode_image,
    exif_orientation,
    header_problem,
    read_image,
    turned,
)
from mmpose_lite.utils.paths import shown

from ..crop_cache import CropExtent
from ..file_names import PhotoFinder, near_file

# A point lies clearly beyond a photograph from this share of its side on.
_CLEARLY = 0.05
_MODES = ('auto', 'ignore', 'apply')


def _bgr(image: np.ndarray) -> np.ndarray:
    """Convert grey, RGB or RGBA, which tifffile returns as stored, to BGR."""
    layers = image[..., None] if image.ndim == 2 else image
    return layers[..., 2::-1] if layers.shape[2] > 2 else np.repeat(layers[..., :1], 3, axis=2)


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """Load ``img_path``, unless the sample brings its ``img``.

    Writes ``img`` (H, W, 3) BGR, ``img_shape`` and ``ori_shape`` (h, w), and ``exif`` where it is
    applied; alpha is dropped; grey and CMYK become BGR.

    Args:
        to_float32: Return float32 pixels.
        color_type: ``'color'``, ``'grayscale'`` or ``'unchanged'``.
        imdecode_backend: ``'cv2'``; others are mmcv's (``'pillow'``, ``'turbojpeg'``, ...).
        file_client_args: MMPose's old name of ``backend_args``; not used.
        ignore_empty: Return None for a file that cannot be read, instead of an error.
        exif: Treatment of the EXIF orientation, the same for all back ends. ``'auto'``: images
            that the annotations mark as annotated upright (``exif_applied``) are turned upright,
            others are left as stored. ``'apply'``: all are turned. ``'ignore'``: none is.
        check_size: Refuse an image whose size is not that of its record.
        backend_args: Where files are, see :func:`mmengine.fileio.get`.

    Raises:
        MissingImageError: If there is no such file.
        BadImageError: If it is no regular file, no image, ends early, or is not of the size that
            the sample's ``image_wh`` says, or annotated upright (``exif_applied``) and loaded as
            it is stored; the message names it.
        InputError: If ``exif`` is unknown, or contradicts ``color_type``.
    """

    leaves_pixels_alone = True  # those of cached crops, which are loaded already

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = 'color',
        imdecode_backend: str = 'cv2',
        file_client_args: dict | None = None,
        ignore_empty: bool = False,
        exif: str = 'auto',
        check_size: bool = True,
        *,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(
            to_float32=to_float32,
            color_type=color_type,
            imdecode_backend=imdecode_backend,
            file_client_args=file_client_args,
            ignore_empty=ignore_empty,
            backend_args=backend_args,
        )
        if exif not in _MODES:
            raise InputError(f"LoadImage: exif='{exif}' is not one of {', '.join(_MODES)}")
        if exif == 'apply' and color_type.endswith(IGNORING):
            raise InputError(f"LoadImage: exif='apply' contradicts color_type='{color_type}'")
        self.exif = 'ignore' if color_type.endswith(IGNORING) else exif
        self.check_size = check_size
        self._photographs: PhotoFinder | None = None  # of the folder where one was missing

    def extend_crop(self, extent: CropExtent) -> CropExtent:
        return extent

    def exif_of(self, sample: Mapping[str, Any]) -> str:
        """``'apply'`` if the image of a sample is loaded upright, ``'ignore'`` if as stored."""
        if self.exif != 'auto':
            return self.exif
        return 'apply' if 'exif_applied' in sample else 'ignore'

    def transform(self, results: dict) -> dict | None:
        """Load the image."""
        exif = self.exif_of(results)
        if 'img' in results:
            image = _given(results)
        else:
            image = self._load(results['img_path'], results.get('img_folder'), exif)
            if image is None:
                return None
            if self.check_size and results.get('image_wh') != image.shape[1::-1]:
                self._compare_size(image, results, exif)
            if 'exif_applied' in results and exif == 'ignore':
                self._check_upright(results['img_path'])
            results['img'] = image.astype(np.float32) if self.to_float32 else image
        if exif == 'apply':
            results['exif'] = exif
        results.setdefault('img_shape', image.shape[:2])
        results.setdefault('ori_shape', image.shape[:2])
        return results

    def _check_upright(self, path: str) -> None:
        """Check that a file needs no turning: it may have been turned since it was annotated."""
        orientation = exif_orientation(read_image(path, self.backend_args))
        if orientation != 1:
            raise BadImageError(f'image {shown(path)} {upright_problem(orientation)}')

    def _load(self, path: str, folder: str | None, exif: str) -> np.ndarray | None:
        try:
            content = read_image(path, self.backend_args)
            if self.imdecode_backend != 'cv2':
                return self._decode_by_other(content, path, exif)
            return decode_image(content, path, self.color_type, exif)
        except (OSError, ValueError) as error:
            if self.ignore_empty:
                return None
            if isinstance(error, MissingImageError):
                raise MissingImageError(f'{error}{self._about_missing(path, folder)}') from error
            raise

    def _about_missing(self, path: str, folder: str | None) -> str:
        """Name the file whose name is near that of a missing photograph."""
        if folder is None:
            return ''
        if self._photographs is None or self._photographs.folder != folder:
            self._photographs = PhotoFinder(folder)
        return near_file(self._photographs, path)

    def _compare_size(self, image: np.ndarray, results: dict, exif: str) -> None:
        """Compare the size with the annotations', without which points lie somewhere else."""
        wanted, size_wh = results.get('image_wh'), image.shape[1::-1]
        if wanted is None and 'keypoints' in results:
            shown_points = results['keypoints'][results['keypoints_visible'] > 0]
            wanted = size_wh[::-1] if are_of_turned(shown_points, size_wh) else None
        if wanted is None or tuple(wanted) == size_wh:
            return
        path = results['img_path']
        orientation = exif_orientation(read_image(path, self.backend_args))
        if 'image_wh' not in results and orientation < 5:
            return  # points outside of a photograph are nothing that loading forbids
        problem = size_problem(size_wh, wanted, orientation, exif)
        where = f' (annotation id {results["id"]!r})' if 'id' in results else ''
        raise BadImageError(
            f'image {shown(path)} {problem}{where}; LoadImage(check_size=False) takes it as it is'
        )

    def _decode_by_other(self, content: bytes, path: str, exif: str) -> np.ndarray:
        """Decode by one of mmcv's other backends, each of which fails in its own ways."""
        backend, flag = self.imdecode_backend, self.color_type
        if backend not in supported_backends:
            raise InputError(f"LoadImage: imdecode_backend='{backend}' is not known to mmcv")
        if backend == 'pillow' and flag in ('color', 'grayscale'):
            flag += IGNORING
        problem, image = header_problem(content), None
        if problem is None:
            try:
                image = imfrombytes(content, flag=flag, backend=backend)
            except (ImportError, MemoryError):
                raise
            except Exception as error:
                problem = f'cannot be decoded by {backend}: {error}'
        if image is None:
            raise BadImageError(
                f'image {shown(path)} {problem or "is not an image"} ({len(content)} bytes)'
            )
        if backend == 'tifffile' and self.color_type.startswith('color'):
            image = _bgr(image)
        is_upright = backend == 'pillow' and content.startswith(TIFF_STARTS)
        if is_upright != (exif == 'apply'):
            image = turned(image, content, is_upright)
        return np.ascontiguousarray(image)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, exif='{self.exif}')"


def _given(results: dict) -> Any:
    if not isinstance(results['img'], np.ndarray):
        raise TypeError(f"'img' must be an array, got {type(results['img'])}")
    results.setdefault('img_path', None)
    return results['img']


def are_of_turned(points: np.ndarray, size_wh: tuple[int, int]) -> bool:
    """Find points ``(N, 2)`` that are of a photograph with its sides exchanged.

    One lies clearly beyond it, and all lie within it with the sides exchanged.
    """
    beyond = points > np.multiply(size_wh, 1 + _CLEARLY)
    return bool(beyond.any() and (points <= size_wh[::-1]).all())


def upright_problem(orientation: int) -> str:
    """Describe that annotations are of the upright photograph, which is loaded as stored."""
    return (
        f'is annotated upright, and its EXIF orientation ({orientation}) turns it: '
        "LoadImage(exif='auto') turns such photographs"
    )


def size_problem(
    size_wh: tuple[int, int], wanted_wh: tuple[float, float], orientation: int, exif: str
) -> str:
    """Describe how the size of a loaded image differs from the annotations', and why."""
    width, height = wanted_wh
    problem = (
        f'has {size_wh[0]}x{size_wh[1]} pixels, but the annotations have width {width} and height '
        f'{height}'
    )
    if (height, width) != size_wh:
        return problem
    if orientation < 5:
        return f'{problem}: they exchange the two'
    if exif == 'ignore':
        return (
            f"{problem}, as its EXIF orientation ({orientation}) turns it: LoadImage(exif='apply') "
            f'turns all photographs, {APPLIED!r}: {orientation} in its entry, which '
            '`mmpose-lite convert` writes, turns this one'
        )
    return (
        f'{problem}, as it is stored, and its EXIF orientation ({orientation}) turns it: '
        f"LoadImage(exif='auto') turns only photographs whose entries have {APPLIED!r}"
    )
