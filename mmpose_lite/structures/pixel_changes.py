"""Changes of a crop's pixels, made to one image by OpenCV or to a batch on the device by torch.

A transform draws them from the sample's generator. Where ``TopdownAffine`` has cut the crop, it
makes them at once; where the crop waits for the device, they wait too, as ``pixel_changes`` of the
sample. Both ways take the same values, and give the same bytes but for those of HsvChange.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product, zip_longest
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy import ndarray
from torch import Tensor

from mmpose_lite.utils.tensor_utils import constant, send

_LEVELS = np.arange(256)
# OpenCV multiplies by these, and does not divide.
_SIXTH_OF_HUE, _PART_OF_LEVELS = (float(np.float32(value)) for value in (6 / 180, 1 / 255))
_NO_BOX = (0, 0, 0, 0)
_PORTION = 64  # images whose medians are found at a time


class PixelChange(ABC):
    """Base class of changes of pixels that leave points where they are."""

    @abstractmethod
    def of_image(self, image: ndarray) -> ndarray:
        """Return a changed copy of an image, ``(H, W, 3)`` uint8 BGR."""

    @classmethod
    @abstractmethod
    def of_batch(cls, images: Tensor, changes: Sequence[Any]) -> Tensor:
        """Change images, which may be written to, each by its change; all are of one ``group``.

        Args:
            images: ``(B, 3, H, W)`` float32 BGR, whole levels 0 to 255.
            changes: A change of this class for each.

        Returns:
            The changed images, likewise.
        """

    @property
    def group(self) -> Hashable:
        """The value that changes have in common that are made together."""
        return None


def change_batch(images: Tensor, changes: Sequence[Sequence[PixelChange | None]]) -> Tensor:
    """Make the changes of a batch, those of one kind at once; nothing waits for the device.

    Args:
        images: ``(B, 3, H, W)`` float32 BGR, whole levels 0 to 255; they may be written to.
        changes: The changes of each image in their order; None for one that was not drawn, so that
            the others have the same place in all lists.

    Returns:
        The changed images, likewise.
    """
    for together in zip_longest(*changes):
        groups: defaultdict[tuple, list[int]] = defaultdict(list)
        for i, change in enumerate(together):
            if change is not None:
                groups[type(change), change.group].append(i)
        for (kind, _), indices in groups.items():
            drawn = [together[i] for i in indices]
            if len(indices) == len(images):
                images = kind.of_batch(images, drawn)
            else:
                places = send(torch.tensor(indices), images.device)
                images[places] = kind.of_batch(images[places], drawn)
    return images


@dataclass(frozen=True)
class LevelChange(PixelChange):
    """A factor on all levels, and a shift; levels end at 0 and 255 and are cut to whole ones.

    Attributes:
        gain: The factor.
        shift: The shift, levels of 256.
    """

    gain: float = 1.0
    shift: float = 0.0

    def of_image(self, image: ndarray) -> ndarray:
        return _scaled(image, self.gain, self.shift)

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[LevelChange]) -> Tensor:
        """Change the levels of images, to the same bytes as those of one image."""
        drawn = constant([(each.gain, each.shift) for each in changes], images)
        gain, shift = drawn.t()[..., None, None, None]
        return images.mul_(gain).add_(shift).clamp_(0, 255).floor_()


@dataclass(frozen=True)
class HsvChange(PixelChange):
    """A turn of the hue, and changes of saturation and value that end at 0 and 255.

    Attributes:
        hue: The turn in OpenCV's half degrees; the circle has 180.
        saturation: The shift of the saturation, levels of 256.
        value: The shift of the value, levels of 256.
        saturation_gain: A factor on the saturation, before the shift.
    """

    hue: int = 0
    saturation: int = 0
    value: int = 0
    saturation_gain: float = 1.0

    def of_image(self, image: ndarray) -> ndarray:
        hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2HSV)
        hues = ((_LEVELS + self.hue) % 180).astype(np.uint8)
        saturations = _scaled(_LEVELS, self.saturation_gain, self.saturation)
        table = np.stack([hues, saturations, _scaled(_LEVELS, 1.0, self.value)], axis=-1)
        return cv2.cvtColor(cv2.LUT(hsv, table[:, None]), cv2.COLOR_HSV2BGR)

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[HsvChange]) -> Tensor:
        """Change the colours of images as OpenCV does.

        Colours become HSV by OpenCV's fixed-point numbers, to the same bytes. On the way back, 99.5
        of 100 HSV colours are the same, and the others differ by one level: on photographs, 1.3 of
        1,000 values. OpenCV cuts off fractions there, and so does this; only the pixels at the end
        of a row that its vectors of 32 leave over, it rounds.
        """
        drawn = [(each.hue, each.saturation, each.value, each.saturation_gain) for each in changes]
        turn, shift, brighter, gain = constant(drawn, images).t()[..., None, None]
        hue, saturation, value = _to_hsv(*images.unbind(1))
        hue.add_(turn).remainder_(180)
        saturation.mul_(gain).add_(shift).clamp_(0, 255).floor_()
        value.add_(brighter).clamp_(0, 255)
        return torch.stack(_to_bgr(hue, saturation, value), dim=-1).movedim(-1, 1)


def _scaled(levels: ndarray, gain: float, shift: float) -> ndarray:
    return np.clip(levels.astype(np.float32) * gain + shift, 0, 255).astype(np.uint8)


def _to_hsv(blue: Tensor, green: Tensor, red: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Turn whole levels into hue, below 180, saturation and value, as OpenCV does for bytes."""
    value = torch.maximum(blue, green).maximum(red)
    chroma = value - torch.minimum(blue, green).minimum(red)
    # Quotients are rounded to 12 binary places before they are multiplied; float32 holds all.
    saturation = _fixed_point(chroma, (255 << 12) / value.clamp(min=1))
    hue = torch.where(
        value == red,
        green - blue,
        torch.where(value == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    )
    hue = _fixed_point(hue, (30 << 12) / chroma.clamp(min=1))
    return hue.add_(180 * (hue < 0)), saturation, value


def _fixed_point(count: Tensor, quotient: Tensor) -> Tensor:
    return quotient.round_().mul_(count).add_(1 << 11).div_(1 << 12).floor_()


def _to_bgr(hue: Tensor, saturation: Tensor, value: Tensor) -> list[Tensor]:
    """Turn hue, saturation and value into whole levels, cutting off fractions."""
    sixths, high = hue * _SIXTH_OF_HUE, value * _PART_OF_LEVELS
    chroma = high * (saturation * _PART_OF_LEVELS)
    sector = sixths.floor()
    rest = sixths.sub_(sector)
    # Of the three colours one is highest, one lowest, and one falls or rises within the sector.
    between = high - chroma * torch.where(sector % 2 == 0, 1 - rest, rest)
    low = high - chroma
    found = []
    for first in (1, 3, 5):
        place = (sector + first) % 6
        is_low = (place == 1) | (place == 2)
        color = torch.where(place >= 4, high, torch.where(is_low, low, between))
        found.append(color.mul_(255).floor_())
    return found


@dataclass(frozen=True)
class ChannelOrder(PixelChange):
    """Another order of the channels.

    Attributes:
        order: For each channel, the number of that which comes there.
    """

    order: tuple[int, ...]

    @property
    def group(self) -> tuple[int, ...]:
        return self.order

    def of_image(self, image: ndarray) -> ndarray:
        return image[..., self.order]

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[ChannelOrder]) -> Tensor:
        """Give the channels of images one order."""
        return torch.stack([images[:, i] for i in changes[0].order], dim=-1).movedim(-1, 1)


@dataclass(frozen=True)
class _OverSquares(PixelChange):
    """A value over the square around each pixel.

    Attributes:
        side: Side of the square, an odd number of pixels.
    """

    side: int

    @property
    def group(self) -> int:
        return self.side


class BoxBlur(_OverSquares):
    """The mean over a square of pixels; beyond the border, the image is mirrored."""

    def of_image(self, image: ndarray) -> ndarray:
        return cv2.blur(np.ascontiguousarray(image), (self.side, self.side))

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[BoxBlur]) -> Tensor:
        """Blur images over squares of one side, to the same bytes as OpenCV.

        Sides of an image are longer than half of the square's.
        """
        side, (height, width) = changes[0].side, images.shape[2:]
        padded = F.pad(images, (side // 2,) * 4, mode='reflect')
        rows = reduce(torch.add, (padded[:, :, y : y + height] for y in range(side)))
        total = reduce(torch.add, (rows[..., x : x + width] for x in range(side)))
        # Sums are whole, and with an odd divisor none lies in the middle of two levels.
        return total.div_(side**2).round_()


class MedianBlur(_OverSquares):
    """The median over a square of pixels; beyond the border, the outermost ones are repeated."""

    def of_image(self, image: ndarray) -> ndarray:
        return cv2.medianBlur(np.ascontiguousarray(image), self.side)

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[MedianBlur]) -> Tensor:
        """Take medians over squares of one side, to the same bytes as OpenCV."""
        side = changes[0].side
        return torch.cat([_medians(each, side) for each in images.split(_PORTION)])


def _medians(images: Tensor, side: int) -> Tensor:
    """Find medians by exchanges alone; ``torch.median`` is not deterministic on a GPU."""
    height, width = images.shape[2:]
    padded = F.pad(images, (side // 2,) * 4, mode='replicate').to(torch.uint8)
    columns = _sorted([padded[:, :, y : y + height] for y in range(side)])
    table = [_sorted([plane[..., x : x + width] for x in range(side)]) for plane in columns]
    # Its rows and columns ascend: those that are surely above or below the middle are known, as
    # many on either side.
    most = side**2 // 2 + 1
    left = [
        table[i][j]
        for i, j in product(range(side), repeat=2)
        if (i + 1) * (j + 1) <= most and (side - i) * (side - j) <= most
    ]
    return _middle(left).to(images.dtype)


def _sorted(values: list[Tensor]) -> list[Tensor]:
    """Sort tensors element by element."""
    ordered: list[Tensor] = []
    for value in values:
        for i, each in enumerate(ordered):
            ordered[i], value = torch.minimum(each, value), torch.maximum(each, value)
        ordered.append(value)
    return ordered


def _middle(values: list[Tensor]) -> Tensor:
    """Find the middle of an odd number of tensors, element by element.

    Of more than half of them, neither the lowest nor the highest is the middle of all.
    """
    count = len(values) // 2 + 2
    kept, rest = values[:count], values[count:]
    while len(kept) > 1:
        low, *others = kept
        for i, each in enumerate(others):
            low, others[i] = torch.minimum(low, each), torch.maximum(low, each)
        high, *others = others
        for i, each in enumerate(others):
            others[i], high = torch.minimum(high, each), torch.maximum(high, each)
        kept, rest = [*others, *rest[:1]], rest[1:]
    return kept[0]


@dataclass(frozen=True)
class Holes(PixelChange):
    """Rectangles of one value.

    Attributes:
        boxes: The rows and columns of each: first, end, first, end.
        value: The value, one number or one for each channel.
    """

    boxes: tuple[tuple[int, int, int, int], ...]
    value: float | tuple[float, ...] = 0

    @property
    def group(self) -> Hashable:
        return self.value

    def of_image(self, image: ndarray) -> ndarray:
        changed = image.copy()
        for top, bottom, left, right in self.boxes:
            changed[top:bottom, left:right] = self.value
        return changed

    @classmethod
    def of_batch(cls, images: Tensor, changes: Sequence[Holes]) -> Tensor:
        """Make the rectangles of images; the value becomes a byte, as numpy makes it."""
        most = max(len(each.boxes) for each in changes)
        boxes = [[*each.boxes, *[_NO_BOX] * (most - len(each.boxes))] for each in changes]
        top, bottom, left, right = constant(boxes, images).permute(2, 0, 1)[..., None]
        rows, columns = (torch.arange(side, device=images.device) for side in images.shape[2:])
        in_rows = (rows >= top) & (rows < bottom)
        in_columns = (columns >= left) & (columns < right)
        holes = (in_rows[..., None] & in_columns[..., None, :]).any(dim=1)
        value = np.empty(images.shape[1], dtype=np.uint8)
        value[:] = changes[0].value
        return torch.where(holes[:, None], constant(value, images)[:, None, None], images)
