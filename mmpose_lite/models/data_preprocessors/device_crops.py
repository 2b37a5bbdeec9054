"""Cropping on the device: faces that the pipeline left uncropped, and resident crops."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from numpy import ndarray
from torch import Tensor

from mmpose_lite.errors import InputError
from mmpose_lite.utils.tensor_utils import host_buffer, join_on

# A face's row of the table on the device; each field begins at a multiple of its items' size.
_ROW = np.dtype([('map', np.float32, (2, 3)), ('offset', np.int64), ('shape_hw', np.int32, 2)])


class ResidentCrops:
    """Every crop of a data set, one after the other in one flat tensor.

    The pixels move between devices, the table stays on the host, where batches are put together.
    Copies of a model share the pixels: nothing ever writes to them.

    Args:
        pixels: uint8 ``(T,)``, each crop ``(h, w, 3)`` in C order.
        offsets: Integers ``(N,)``, where in ``pixels`` each crop begins.
        shapes_hw: Integers ``(N, 2)``, height and width of each crop.

    Raises:
        InputError: If the pixels are not flat uint8, or a crop is empty or reaches beyond them.
    """

    def __init__(self, pixels: Tensor, offsets: Tensor, shapes_hw: Tensor) -> None:
        if pixels.dtype != torch.uint8 or pixels.dim() != 1:
            raise InputError(f'pixels must be uint8 (T,), got {pixels.dtype} {tuple(pixels.shape)}')
        self.pixels = pixels
        self.offsets = offsets.cpu().numpy()
        self.shapes_hw = shapes_hw.cpu().numpy()
        if self.shapes_hw.shape != (*self.offsets.shape, 2):
            raise InputError(
                f'offsets {self.offsets.shape} and shapes_hw {self.shapes_hw.shape} do not belong '
                'together: (N,) and (N, 2) do'
            )
        ends = self.offsets + 3 * self.shapes_hw.prod(axis=1)
        wrong = (self.offsets < 0) | (self.shapes_hw < 1).any(axis=1) | (ends > len(self.pixels))
        if wrong.any():
            index = int(wrong.argmax())
            raise InputError(
                f'crop {index}, {tuple(self.shapes_hw[index].tolist())} at {self.offsets[index]}, '
                f'is empty or not within the {len(self.pixels)} bytes'
            )

    def __len__(self) -> int:
        return len(self.offsets)

    def apply(self, change: Callable[[Tensor], Tensor]) -> None:
        """Move the pixels, as :meth:`torch.nn.Module.to` moves a module's tensors."""
        self.pixels = change(self.pixels)

    def __deepcopy__(self, memo: dict) -> ResidentCrops:
        return copy.copy(self)


def warp_faces(
    inputs: Sequence,
    samples: Sequence[BaseDataElement] | None,
    crops: ResidentCrops | None,
    device: torch.device,
    non_blocking: bool,
) -> Tensor:
    """Crop the faces of a batch on the device.

    Args:
        inputs: One entry per face: its window, uint8 ``(3, h, w)``, sizes may differ, fastest where
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


def warp_crops(
    pixels: Tensor,
    offsets: Tensor,
    shapes_hw: Tensor,
    matrices: Tensor,
    size_wh: tuple[int, int],
    inverse: bool = False,
) -> Tensor:
    """Warp windows of several sizes to one size: ``cv2.warpAffine`` for a batch.

    Sampling is bilinear, outside a window everything is black, and values are rounded to whole
    levels. Positions are float32, as in OpenCV 5; OpenCV 4 rounds them to 1/32 pixel before it
    samples. Nothing waits for the device, and no size depends on a value.

    Args:
        pixels: uint8 ``(T,)``, windows one after the other, each ``(h, w, 3)`` in C order.
        offsets: int64 ``(B,)``, where in ``pixels`` each window begins.
        shapes_hw: Integers ``(B, 2)``, height and width of each window, at least 1.
        matrices: ``(B, 2, 3)``, from pixels of a window to pixels of its output, with pixel
            centres at whole numbers; float64 keeps the inversion exact.
        size_wh: Width and height of the output.
        inverse: The matrices lead from the output to the windows, as ``cv2.WARP_INVERSE_MAP``.

    Returns:
        float32 ``(B, 3, H, W)`` of whole levels 0 to 255, in channels-last memory.
    """
    maps = (matrices if inverse else invert_affine(matrices)).float()
    sides = shapes_hw.to(torch.int32).flip(1).t()
    # Every byte begins a colour, so that places count bytes.
    return _sample(pixels.unfold(0, 3, 1), 3, offsets, sides, maps, size_wh)


def warp_photograph(image: Tensor, maps: Tensor, size_wh: tuple[int, int]) -> Tensor:
    """Cut N crops from one photograph; see :func:`warp_crops`.

    Args:
        image: uint8 ``(H, W, 3)``.
        maps: ``(N, 2, 3)``, from output pixels to those of the photograph.
        size_wh: Width and height of a crop.
    """
    height, width, _ = image.shape
    # Sizes of an exported graph are no numbers, of which a tensor could be made at once.
    sides = torch.stack(
        [torch.full((1,), side, dtype=torch.int32, device=image.device) for side in (width, height)]
    )
    offsets = torch.zeros(1, dtype=torch.int64, device=image.device)
    return _sample(image.reshape(-1, 3), 1, offsets, sides, maps.float(), size_wh)


def _sample(
    colors: Tensor,
    step: int,
    offsets: Tensor,
    sides: Tensor,
    maps: Tensor,
    size_wh: tuple[int, int],
) -> Tensor:
    """Read windows ``(2, B)`` wide and high at mapped places, where pixels lie ``step`` apart."""
    # From here on the first axis is (x, y): (2, B, 1, 1) or (2, B, H, W).
    sides = sides[..., None, None]
    positions = _positions(maps, size_wh)
    corners = torch.minimum(positions.floor(), sides - 2).clamp_min_(0)

    # A pixel's share along an axis falls from 1 on it to 0 a pixel away. That of pixels outside
    # the window is thereby 0, as if they were black; only a side of 1 has no second pixel at all.
    steps = torch.arange(2, dtype=torch.int32, device=colors.device).view(2, 1, 1, 1, 1)
    present = (sides - steps).clamp_(max=1)
    shares = (present - (positions.sub_(corners) - steps).abs_()).clamp_min_(0)

    columns, rows = corners.to(torch.int32)
    first = torch.add(offsets[:, None, None], columns + rows * sides[0], alpha=step)
    right, down = step * present[1, 0], step * present[1, 1] * sides[0]
    (near_x, near_y), (far_x, far_y) = shares
    blend = colors[first] * (near_x * near_y)[..., None]
    for shift, share_x, share_y in (
        (right, far_x, near_y),
        (down, near_x, far_y),
        (down + right, far_x, far_y),
    ):
        blend.addcmul_(colors[first + shift], (share_x * share_y)[..., None])
    return blend.round_().permute(0, 3, 1, 2)


def invert_affine(matrices: Tensor) -> Tensor:
    """Invert affine maps ``(B, 2, 3)``; one that cannot be inverted gives no finite numbers."""
    a, b, x, c, d, y = matrices.flatten(1).unbind(1)
    scale = 1 / (a * d - b * c)
    a, b, c, d = d * scale, -b * scale, -c * scale, a * scale
    return torch.stack([a, b, -(a * x + b * y), c, d, -(c * x + d * y)], dim=1).view(-1, 2, 3)


def _positions(maps: Tensor, size_wh: tuple[int, int]) -> Tensor:
    """Positions of the output's pixels in their windows, ``(2, B, H, W)``, x before y."""
    width, height = size_wh
    columns = torch.arange(width, dtype=maps.dtype, device=maps.device)
    rows = torch.arange(height, dtype=maps.dtype, device=maps.device)[:, None]
    per_column, per_row, start = maps.permute(2, 1, 0)[..., None, None]
    return per_column * columns + (per_row * rows + start)
