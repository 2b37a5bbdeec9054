"""Faces that the pipeline left uncropped: their pixels, their maps, and the warp on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from numpy import ndarray
from torch import Tensor

from mmpose_lite.utils import InputError

from .device_warp import invert_affine, warp_crops
from .resident_crops import ResidentCrops
from .transfer import host_buffer, join_on

# What the device is told of a face; each field begins at a multiple of its items' size.
_ROW = np.dtype([('map', np.float32, (2, 3)), ('offset', np.int64), ('shape_hw', np.int32, 2)])


def is_uncropped(inputs: Sequence, samples: Sequence[BaseDataElement] | None) -> bool:
    """Whether a batch is windows with ``warp_mat`` in their samples, or indices of crops."""
    return any('warp_mat' in sample for sample in samples or ()) or _is_index(inputs[0])


def warp_faces(
    inputs: Sequence,
    samples: Sequence[BaseDataElement] | None,
    crops: ResidentCrops | None,
    device: torch.device,
    non_blocking: bool,
) -> Tensor:
    """Crop the faces of a batch on the device.

    Args:
        inputs: One entry a face: its window, uint8 ``(3, h, w)``, sizes may differ, fastest where
            it is a view of ``(h, w, 3)``; or the index of its crop.
        samples: Their metainfo has ``warp_mat`` ``(2, 3)``, from pixels of the window to input
            pixels, and ``input_size`` (w, h).
        crops: The crops that the indices count.
        device: Where to warp.
        non_blocking: Do not wait for copies to the device.

    Returns:
        float32 ``(B, 3, H, W)``, see :func:`warp_crops`.

    Raises:
        InputError: If something is missing or does not fit; it names the face.
    """
    if samples is None or len(samples) != len(inputs):
        given = 'no' if samples is None else len(samples)
        raise InputError(f'{len(inputs)} faces to warp come with {given} data_samples')
    size_wh = _common_size(samples)
    table = np.zeros(len(samples), dtype=_ROW)
    table['map'] = _inverse_maps(samples)
    if _is_index(inputs[0]):
        pixels, table['offset'], table['shape_hw'] = _look_up(inputs, samples, crops)
    else:
        windows = [_flat_window(*face) for face in zip(inputs, samples, strict=True)]
        sizes = np.array([len(window) for window in windows])
        table['offset'] = sizes.cumsum() - sizes
        table['shape_hw'] = [window.shape[1:] for window in inputs]
        pixels = join_on(windows, device, non_blocking)
    maps, offsets, shapes_hw = _table_on(table, device, non_blocking)
    return warp_crops(pixels, offsets, shapes_hw, maps, size_wh, inverse=True)


def _common_size(samples: Sequence[BaseDataElement]) -> tuple[int, int]:
    sizes = [sample.get('input_size') for sample in samples]
    for sample, size in zip(samples, sizes, strict=True):
        if size is None or tuple(size) != tuple(sizes[0]):
            raise InputError(
                f'{_name(sample)}: input_size is {size}, but {sizes[0]} of {_name(samples[0])}; '
                'a batch has one'
            )
    width, height = sizes[0]
    return int(width), int(height)


def _inverse_maps(samples: Sequence[BaseDataElement]) -> ndarray:
    """The maps from input pixels to those of the windows, ``(B, 2, 3)``."""
    maps = [sample.get('warp_mat') for sample in samples]
    for sample, map_ in zip(samples, maps, strict=True):
        if np.shape(map_) != (2, 3):
            raise InputError(f'{_name(sample)}: warp_mat must be (2, 3), got {map_}')
    # Inverted here, in float64, which some devices do not have.
    inverse = invert_affine(torch.from_numpy(np.array(maps, dtype=np.float64))).numpy()
    singular = ~np.isfinite(inverse).all(axis=(1, 2))
    if singular.any():
        face = int(singular.argmax())
        raise InputError(f'{_name(samples[face])}: warp_mat has no inverse: {maps[face]}')
    return inverse


def _look_up(
    inputs: Sequence, samples: Sequence[BaseDataElement], crops: ResidentCrops | None
) -> tuple[Tensor, ndarray, ndarray]:
    """The pixels of all crops, and the offsets and shapes of those asked for."""
    if crops is None:
        raise InputError(
            f'{_name(samples[0])}: its input is index {int(inputs[0])}, but there are no crops on '
            'the device: call hold_crops first'
        )
    for sample, index in zip(samples, inputs, strict=True):
        if not _is_index(index) or not 0 <= int(index) < len(crops):
            got = int(index) if _is_index(index) else _kind(index)
            raise InputError(
                f'{_name(sample)}: its input must be an index below {len(crops)}, got {got}'
            )
    indices = [int(index) for index in inputs]
    return crops.pixels, crops.offsets[indices], crops.shapes_hw[indices]


def _flat_window(window: Any, sample: BaseDataElement) -> Tensor:
    """The bytes of a window in the order (h, w, 3)."""
    if (
        not isinstance(window, Tensor)
        or window.dtype != torch.uint8
        or window.dim() != 3
        or len(window) != 3
        or window.numel() == 0
    ):
        raise InputError(
            f'{_name(sample)}: it has a warp_mat, so its input must be its window, uint8 '
            f'(3, h, w), got {_kind(window)}'
        )
    return window.permute(1, 2, 0).reshape(-1)


def _table_on(
    table: ndarray, device: torch.device, non_blocking: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Maps ``(B, 2, 3)``, offsets ``(B,)`` and shapes ``(B, 2)`` on the device, in one copy."""
    staged = host_buffer((len(table), _ROW.itemsize), torch.uint8, device)
    staged.numpy().view(_ROW)[:, 0] = table
    moved = staged.to(device, non_blocking=non_blocking)
    maps, offsets, shapes_hw = moved.split(
        [_ROW[name].itemsize for name in _ROW.names or ()], dim=1
    )
    return (
        maps.view(torch.float32).view(-1, 2, 3),
        offsets.view(torch.int64)[:, 0],
        shapes_hw.view(torch.int32),
    )


def _is_index(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, Tensor) and value.dim() == 0)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f'{value.dtype} {tuple(value.shape)}'
    return type(value).__name__


def _name(sample: BaseDataElement) -> str:
    return f'face {sample.get("id")} of {sample.get("img_path")}'
