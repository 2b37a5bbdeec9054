"""Cropping many faces at once, where their pixels are."""

from __future__ import annotations

import torch
from torch import Tensor


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
        inverse: The matrices lead from the output to the windows, as with
            ``cv2.WARP_INVERSE_MAP``.

    Returns:
        float32 ``(B, 3, H, W)`` of whole levels 0 to 255, in channels-last memory.
    """
    maps = (matrices if inverse else invert_affine(matrices)).float()
    # From here on the first axis is (x, y): (2, B, 1, 1) or (2, B, H, W).
    sides = shapes_hw.to(torch.int32).flip(1).t()[..., None, None]
    positions = _positions(maps, size_wh)
    corners = torch.minimum(positions.floor(), sides - 2).clamp_min_(0)

    # A pixel's share along an axis falls from 1 on it to 0 a pixel away. That of pixels outside
    # the window is thereby 0, as if they were black; only a side of 1 has no second pixel at all.
    steps = torch.arange(2, dtype=torch.int32, device=pixels.device).view(2, 1, 1, 1, 1)
    present = (sides - steps).clamp_(max=1)
    shares = (present - (positions.sub_(corners) - steps).abs_()).clamp_min_(0)

    columns, rows = corners.to(torch.int32)
    first = torch.add(offsets[:, None, None], columns + rows * sides[0], alpha=3)
    right, down = 3 * present[1, 0], 3 * present[1, 1] * sides[0]
    (near_x, near_y), (far_x, far_y) = shares
    colors = pixels.unfold(0, 3, 1)
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
    """Where in its window each pixel of the output lies, ``(2, B, H, W)``, x before y."""
    width, height = size_wh
    columns = torch.arange(width, dtype=maps.dtype, device=maps.device)
    rows = torch.arange(height, dtype=maps.dtype, device=maps.device)[:, None]
    per_column, per_row, start = maps.permute(2, 1, 0)[..., None, None]
    return per_column * columns + (per_row * rows + start)
