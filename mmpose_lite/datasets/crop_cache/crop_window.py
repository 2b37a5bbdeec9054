"""The part of a photograph that a pipeline can read for one face."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.structures.bbox import DIRECTIONS, fix_aspect_ratio

# A bilinear sample reads one pixel further, and coordinates are rounded on the way.
MARGIN = 2


class Window(NamedTuple):
    """A rectangle of a photograph in pixels; each ``shrink`` x ``shrink`` block is kept as one."""

    x: int
    y: int
    width: int
    height: int
    shrink: int = 1

    @property
    def shape_hw(self) -> tuple[int, int]:
        """Height and width in pixels that are kept."""
        return self.height // self.shrink, self.width // self.shrink

    def mirrored(self, image_wh: tuple[int, int], direction: str) -> Window:
        """The window once its photograph is mirrored."""
        x, y = self.x, self.y
        if 0 in DIRECTIONS[direction]:
            x = image_wh[0] - x - self.width
        if 1 in DIRECTIONS[direction]:
            y = image_wh[1] - y - self.height
        return self._replace(x=x, y=y)

    def to_photograph(self) -> ndarray:
        """The map from the kept pixels to those of the photograph, ``(3, 3)``."""
        shift = 0.5 * (self.shrink - 1)  # from the centre of a block's first pixel to the block's
        return np.array(
            [[self.shrink, 0, self.x + shift], [0, self.shrink, self.y + shift], [0, 0, 1]]
        )


@dataclass(frozen=True)
class CropExtent:
    """The crops that a pipeline can draw about a box; see ``extend_crop`` of :class:`~.Transform`.

    Attributes:
        input_size: Width and height of the network's input, pixels.
        padding: The factor by which a crop exceeds the annotated box.
        shift: Largest shift of the centre, as a share of width and height.
        smallest: Smallest factor on the scale: the largest zoom.
        largest: Largest factor on the scale.
        rotation: Largest rotation, degrees.
    """

    input_size: tuple[int, int] = (0, 0)
    padding: float = 1.0
    shift: float = 0.0
    smallest: float = 1.0
    largest: float = 1.0
    rotation: float = 0.0

    @classmethod
    def of_pipelines(cls, pipelines: Iterable[Sequence[Callable]]) -> CropExtent:
        """Compute an extent that covers several pipelines.

        Raises:
            InputError: If one has no extent, see :meth:`of_pipeline`, or their input sizes differ.
        """
        return reduce(cls.covering, map(cls.of_pipeline, pipelines))

    @classmethod
    def of_pipeline(cls, transforms: Iterable[Callable]) -> CropExtent:
        """Compute a pipeline's extent from its transforms, up to the first to set ``input_size``.

        Raises:
            InputError: If no transform crops, or one before the crop lacks ``extend_crop``.
        """
        extent = cls()
        for transform in transforms:
            extend = getattr(transform, 'extend_crop', None)
            if extend is None:
                raise InputError(
                    f'cache: {type(transform).__name__} comes before the crop, and has no '
                    'extend_crop(extent) to tell how far it reads'
                )
            extent = extend(extent)
            if extent.input_size != (0, 0):
                return extent
        raise InputError('cache: the pipeline has no TopdownAffine, it reads whole photographs')

    def covering(self, other: CropExtent) -> CropExtent:
        """Compute the extent that covers this one and another.

        Raises:
            InputError: If their input sizes differ.
        """
        if self.input_size != other.input_size:
            raise InputError(
                f'cache: pipelines crop to {self.input_size} and {other.input_size}, one file of '
                'crops has one size'
            )
        padding = max(self.padding, other.padding)
        shares = [(each, each.padding / padding) for each in (self, other)]
        return replace(
            self,
            padding=padding,
            shift=max(each.shift * share for each, share in shares),
            smallest=min(each.smallest * share for each, share in shares),
            largest=max(each.largest * share for each, share in shares),
            rotation=max(self.rotation, other.rotation),
        )

    def padded(self, factor: float) -> CropExtent:
        """The extent of crops that exceed the box by a further factor."""
        return replace(self, padding=self.padding * factor)

    def varied(self, shift: float, scale: tuple[float, float], rotation: float) -> CropExtent:
        """The extent after a random shift, factor on the scale and rotation."""
        return replace(
            self,
            shift=self.shift + abs(shift) * self.largest,
            smallest=self.smallest * min(scale),
            largest=self.largest * max(scale),
            rotation=self.rotation + abs(rotation),
        )

    def window(
        self, center: ndarray, scale: ndarray, image_wh: tuple[int, int], shrinks: bool = False
    ) -> Window:
        """The part of a photograph, at least one pixel, that any crop about a box can read.

        Args:
            center: ``(2,)``, centre of the box, image pixels.
            scale: ``(2,)``, width and height of the box, image pixels.
            image_wh: Width and height of the photograph.
            shrinks: Shrink where even the largest zoom would leave out pixels.
        """
        width_in, height_in = self.input_size
        scale = np.asarray(scale, dtype=np.float64) * self.padding
        side_wh = fix_aspect_ratio(scale, width_in / height_in)
        size = np.asarray(image_wh)
        shrink = int(side_wh[0] * self.smallest / width_in) if shrinks else 1
        shrink = min(max(shrink, 1), int(size.min()))
        half = self._half_reach(side_wh * self.largest) + self.shift * scale + MARGIN * shrink
        low = np.clip(np.floor(center - half), 0, size - 1).astype(int)
        high = np.clip(np.ceil(center + half) + 1, low + 1, size).astype(int)
        # Whole blocks, from further on the near side where the photograph ends on the far one.
        kept = np.minimum(-(-(high - low) // shrink), size // shrink) * shrink
        low = np.minimum(low, size - kept)
        return Window(int(low[0]), int(low[1]), int(kept[0]), int(kept[1]), shrink)

    def _half_reach(self, side_wh: ndarray) -> ndarray:
        """Half of the box about a rectangle that turns by up to the largest rotation."""
        width, height = side_wh
        limit = min(math.radians(self.rotation), math.pi / 2)
        # Along an axis the reach is greatest where the rectangle's diagonal lies on it.
        at_x, at_y = min(limit, math.atan2(height, width)), min(limit, math.atan2(width, height))
        return 0.5 * np.array(
            [
                width * math.cos(at_x) + height * math.sin(at_x),
                width * math.sin(at_y) + height * math.cos(at_y),
            ]
        )
