"""Augmentations of the albumentations package."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmpose_lite.registry import TRANSFORMS
from mmpose_lite.utils import InputError

from ..samplers import sample_rng
from .base import Transform


@TRANSFORMS.register_module()
class Albumentation(Transform):
    """Apply albumentations' transforms to the pixels of an image.

    Args:
        transforms: Configs: ``type``, a name of albumentations or a class, and its arguments;
            nested ``transforms`` are built too.
        keymap: Name in the sample for each of albumentations' names; ``{'img': 'image'}`` by
            default.

    Raises:
        RuntimeError: If albumentations is not installed.
        InputError: If a config names no transform of albumentations, or an argument that the
            installed release does not take.
    """

    def __init__(self, transforms: Sequence[dict], keymap: dict[str, str] | None = None) -> None:
        try:
            import albumentations
        except ImportError as error:
            raise RuntimeError(
                'the transform Albumentation needs: pip install albumentations'
            ) from error
        self._package = albumentations
        self.transforms = transforms
        self.keymap_to_albu = {'img': 'image'} if keymap is None else dict(keymap)
        self.aug = albumentations.Compose([self.albu_builder(cfg) for cfg in transforms])

    def albu_builder(self, cfg: dict) -> Any:
        """Build one transform from its config."""
        arguments = dict(cfg)
        kind = arguments.pop('type', None)
        if isinstance(kind, str):
            name = kind
            kind = getattr(self._package, name, None)
            if kind is None:
                raise InputError(f"albumentations has no transform '{name}'")
            if not issubclass(kind, self._package.ImageOnlyTransform | self._package.BaseCompose):
                warnings.warn(
                    f'{name} moves pixels, but boxes and points stay where they are', stacklevel=2
                )
        if not isinstance(kind, type):
            raise InputError(f'an albumentations config needs a type: {cfg}')
        if 'transforms' in arguments:
            arguments['transforms'] = [self.albu_builder(t) for t in arguments['transforms']]
        return _built(kind, arguments)

    def transform(self, results: dict) -> dict:
        """Apply the transforms, drawn from the sample's generator."""
        missing = [key for key in self.keymap_to_albu if key not in results]
        if missing:
            raise KeyError(f'Albumentation needs {missing} in the sample')
        if hasattr(self.aug, 'set_random_seed'):
            self.aug.set_random_seed(int(sample_rng(results).integers(2**31)))
        given = {
            albu: np.ascontiguousarray(results[key]) for key, albu in self.keymap_to_albu.items()
        }
        augmented = self.aug(**given)
        for key, albu in self.keymap_to_albu.items():
            results[key] = augmented[albu]
        return results


def _built(kind: type, arguments: dict[str, Any]) -> Any:
    """Build a transform; where albumentations 2 warns of arguments that it ignores, refuse them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            built = kind(**arguments)
        except TypeError as error:
            raise InputError(f'{kind.__name__} of albumentations: {error}') from error
    for each in caught:
        text = str(each.message)
        if 'not valid for transform' in text or 'unexpected keyword' in text:
            taken = ', '.join(inspect.signature(kind).parameters)
            raise InputError(f'{text} of the installed albumentations; it takes {taken}')
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return built
