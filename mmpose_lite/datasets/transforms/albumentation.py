"""Augmentations of the albumentations package, three of which work without it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from mmpose_lite.errors import InputError, short
from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.structures.pixel_changes import BoxBlur, Holes, MedianBlur, PixelChange

from ..samplers import sample_rng
from .base import Transform, change_pixels, crop_shape


class MissingPackageError(InputError, RuntimeError):
    """A transform needs the albumentations package, which is not installed."""


@TRANSFORMS.register_module()
class Albumentation(Transform):
    """Apply albumentations' transforms to the pixels of an image.

    ``Blur``, ``MedianBlur`` and ``CoarseDropout`` are this package's own if their arguments are
    those of albumentations 1, whichever release is installed: release 2 would ignore these with a
    warning and use its defaults. Everything else needs albumentations.

    Args:
        transforms: Configs: ``type``, a name of albumentations or a class, and its arguments;
            nested ``transforms`` are built too, by the package.
        keymap: Name in the sample for each of albumentations' names; ``{'img': 'image'}`` by
            default.

    Raises:
        MissingPackageError: If albumentations is needed and not installed.
        InputError: If a config names an unknown transform, or an argument that the installed
            release does not take.
    """

    def __init__(self, transforms: Sequence[dict], keymap: dict[str, str] | None = None) -> None:
        self.transforms = transforms
        self.keymap_to_albu = {'img': 'image'} if keymap is None else dict(keymap)
        self._image_key = next((k for k, v in self.keymap_to_albu.items() if v == 'image'), '')
        self.aug = [self.albu_builder(cfg) for cfg in transforms]
        if not self._image_key and any(isinstance(each, _Drawn) for each in self.aug):
            raise InputError(
                f"Albumentation: keymap={keymap} names no 'image', whose pixels would change"
            )
        self._steps: list[Any] = []
        for is_own, group in groupby(self.aug, lambda each: isinstance(each, _Drawn)):
            steps = list(group)
            self._steps += steps if is_own else [_package('Compose').Compose(steps)]

    @property
    def can_wait(self) -> bool:  # type: ignore[override]
        """True if all transforms are this package's own, and change ``img``."""
        return self._image_key == 'img' and all(isinstance(each, _Drawn) for each in self.aug)

    def albu_builder(self, cfg: dict) -> Any:
        """Build one transform from its config."""
        kind, arguments = _split(cfg)
        own = _OWN.get(kind) if isinstance(kind, str) else None
        if own is not None and set(arguments) <= set(inspect.signature(own).parameters):
            return own(**arguments)
        return self._build(kind, arguments)

    def _build(self, kind: Any, arguments: dict[str, Any]) -> Any:
        """Build a transform of the package."""
        package = _package(kind, arguments)
        if isinstance(kind, str):
            name = kind
            kind = getattr(package, name, None)
            if kind is None:
                raise InputError(f"albumentations has no transform '{name}'")
            if not issubclass(kind, package.ImageOnlyTransform | package.BaseCompose):
                warnings.warn(
                    f'{name} may move pixels, but boxes and points stay where they are',
                    stacklevel=2,
                )
        if not isinstance(kind, type):
            raise InputError(f'an albumentations config needs a type: {short(arguments)}')
        if 'transforms' in arguments:
            nested = [self._build(*_split(each)) for each in arguments['transforms']]
            arguments['transforms'] = nested
        return _built(kind, arguments)

    def transform(self, results: dict) -> dict:
        """Apply the transforms, drawn from the sample's generator, or leave them to the device."""
        missing = [key for key in self.keymap_to_albu if key not in results]
        if missing:
            raise KeyError(f'Albumentation needs {missing} in the sample')
        rng = sample_rng(results)
        for step in self._steps:
            if isinstance(step, _Drawn):
                change = step.draw(crop_shape(results, self._image_key), rng)
                change_pixels(results, change, self._image_key)
            else:
                self._apply(step, results, rng)
        return results

    def _apply(self, step: Callable[..., dict], results: dict, rng: np.random.Generator) -> None:
        """Apply a transform of the package."""
        if hasattr(step, 'set_random_seed'):
            step.set_random_seed(int(rng.integers(2**31)))
        given = {
            albu: np.ascontiguousarray(results[key]) for key, albu in self.keymap_to_albu.items()
        }
        augmented = step(**given)
        for key, albu in self.keymap_to_albu.items():
            results[key] = augmented[albu]


class _Drawn:
    """Draws a change of an image's pixels, with a given probability.

    Args:
        p: The probability.
        always_apply: Change every image, whatever ``p`` is.
    """

    name: ClassVar[str]

    def __init__(self, p: float = 0.5, always_apply: bool = False) -> None:
        if not 0 <= p <= 1:
            raise InputError(f'{self.name}: p={p} is not a probability')
        self.p = 1.0 if always_apply else p

    def draw(self, shape_hw: tuple[int, int], rng: np.random.Generator) -> PixelChange | None:
        """Draw the change of an image of a height and width; None if there is none."""
        return self.draw_change(shape_hw, rng) if rng.random() < self.p else None

    def draw_change(self, shape_hw: tuple[int, int], rng: np.random.Generator) -> PixelChange:
        """Draw a change."""
        raise NotImplementedError


class _Blur(_Drawn):
    """The mean over a square of pixels.

    Args:
        blur_limit: The largest side of the square (the smallest is then 3), or the smallest and
            the largest; an odd side in between is drawn.
        p: See :class:`_Drawn`.
        always_apply: See :class:`_Drawn`.
    """

    name = 'Blur'
    kind: ClassVar[type[BoxBlur | MedianBlur]] = BoxBlur

    def __init__(
        self, blur_limit: int | Sequence[int] = 7, p: float = 0.5, always_apply: bool = False
    ) -> None:
        super().__init__(p, always_apply)
        pair = tuple(blur_limit) if isinstance(blur_limit, Sequence) else (3, blur_limit)
        whole = len(pair) == 2 and all(isinstance(each, int) for each in pair)
        if not whole or not 0 < pair[0] <= pair[1] or pair[0] % 2 == 0:
            raise InputError(
                f'{self.name}: blur_limit={blur_limit} is neither a number from 3 on, nor an odd '
                'one and the largest'
            )
        self.sides = range(pair[0], pair[1] + 1, 2)

    def draw_change(self, shape_hw: tuple[int, int], rng: np.random.Generator) -> PixelChange:
        return self.kind(self.sides[int(rng.integers(len(self.sides)))])


class _MedianBlur(_Blur):
    """The median over a square of pixels; see :class:`_Blur` for the arguments."""

    name = 'MedianBlur'
    kind = MedianBlur


class _CoarseDropout(_Drawn):
    """Rectangles of one value in random places.

    Args:
        max_holes: The largest number of rectangles.
        max_height: Their largest height: an int counts pixels, a float is a share of the image's.
        max_width: Their largest width, likewise.
        min_holes: The smallest number; ``max_holes`` by default.
        min_height: The smallest height; ``max_height`` by default.
        min_width: The smallest width; ``max_width`` by default.
        fill_value: Their value.
        p: See :class:`_Drawn`.
        always_apply: See :class:`_Drawn`.
    """

    name = 'CoarseDropout'

    def __init__(
        self,
        max_holes: int = 8,
        max_height: float = 8,
        max_width: float = 8,
        min_holes: int | None = None,
        min_height: float | None = None,
        min_width: float | None = None,
        fill_value: float | Sequence[float] = 0,
        p: float = 0.5,
        always_apply: bool = False,
    ) -> None:
        super().__init__(p, always_apply)
        self.holes = (max_holes if min_holes is None else min_holes, max_holes)
        self.heights = (max_height if min_height is None else min_height, max_height)
        self.widths = (max_width if min_width is None else min_width, max_width)
        self.fill_value = tuple(fill_value) if isinstance(fill_value, Sequence) else fill_value
        if not all(isinstance(each, int) for each in self.holes):
            raise InputError(f'CoarseDropout: min_holes, max_holes={self.holes} must be whole')
        for name, pair in (('holes', self.holes), ('height', self.heights), ('width', self.widths)):
            shares = [isinstance(each, float) for each in pair]
            most = 1 if all(shares) else float('inf')
            if not 0 < pair[0] <= pair[1] <= most or any(shares) != all(shares):
                raise InputError(
                    f'CoarseDropout: min_{name}, max_{name}={pair} must be above 0, the smaller '
                    'first, both whole or both shares up to 1'
                )

    def draw_change(self, shape_hw: tuple[int, int], rng: np.random.Generator) -> PixelChange:
        boxes = []
        for _ in range(rng.integers(*self.holes, endpoint=True)):
            rows = _stretch(shape_hw[0], self.heights, rng)
            boxes.append((*rows, *_stretch(shape_hw[1], self.widths, rng)))
        return Holes(tuple(boxes), self.fill_value)


def _stretch(length: int, pair: tuple[float, float], rng: np.random.Generator) -> tuple[int, int]:
    """Draw a stretch of an image's side; return its beginning and end."""
    if isinstance(pair[1], float):
        size = int(length * rng.uniform(*pair))
    else:
        size = min(int(rng.integers(*pair, endpoint=True)), length)
    begin = int(rng.integers(length - size, endpoint=True))
    return begin, begin + size


_OWN: dict[str, type[_Drawn]] = {each.name: each for each in (_Blur, _MedianBlur, _CoarseDropout)}


def _split(cfg: dict) -> tuple[Any, dict[str, Any]]:
    """A config's type, and its arguments."""
    arguments = dict(cfg)
    return arguments.pop('type', None), arguments


def _package(kind: Any, arguments: Sequence[str] | dict[str, Any] = ()) -> Any:
    """Import albumentations for a transform.

    Raises:
        MissingPackageError: If it is not installed; the message says what works without it.
    """
    try:
        import albumentations
    except ImportError as error:
        own = _OWN.get(kind) if isinstance(kind, str) else None
        if own is None:
            text = f'{short(kind)} needs it; {", ".join(_OWN)} do not'
        else:
            taken = list(inspect.signature(own).parameters)
            others = ', '.join(each for each in arguments if each not in taken)
            text = f'{kind} takes no {others} without it, it takes {", ".join(taken)}'
        raise MissingPackageError(
            f'Albumentation: pip install albumentations, since {text}'
        ) from error
    return albumentations


def _built(kind: type, arguments: dict[str, Any]) -> Any:
    """Build a transform; where albumentations warns of arguments that it ignores, refuse them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            built = kind(**arguments)
        except (TypeError, ValueError) as error:
            text = ' '.join(str(error).split())  # that of pydantic has several lines
            raise InputError(f'{kind.__name__} of albumentations: {text}') from error
    for each in caught:
        text = str(each.message)
        # Release 1.4: "is not valid and will be ignored"; 2: "are not valid for transform".
        if 'not valid' in text or 'unexpected keyword' in text:
            taken = ', '.join(inspect.signature(kind).parameters)
            raise InputError(f'{text} of the installed albumentations; it takes {taken}')
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return built
