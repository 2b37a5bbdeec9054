"""Augmentations of the albumentations package."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_lite.registry import TRANSFORMS

from ..randomness import sample_rng


@TRANSFORMS.register_module()
class Albumentation(BaseTransform):
    """Applies albumentations' transforms to the pixels of an image.

    Args:
        transforms: Configs: ``type``, a name of albumentations or a class, and its arguments;
            nested ``transforms`` are built too.
        keymap: Name in the sample for each of albumentations' names; ``{'img': 'image'}`` by
            default.

    Raises:
        RuntimeError: If albumentations is not installed.
        ValueError: If a config names no transform of albumentations.
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
                raise ValueError(f"albumentations has no transform '{name}'")
            if not issubclass(kind, self._package.ImageOnlyTransform | self._package.BaseCompose):
                warnings.warn(
                    f'{name} moves pixels, but boxes and points stay where they are', stacklevel=2
                )
        if not isinstance(kind, type):
            raise ValueError(f'an albumentations config needs a type: {cfg}')
        if 'transforms' in arguments:
            arguments['transforms'] = [self.albu_builder(t) for t in arguments['transforms']]
        return kind(**arguments)

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

    def __repr__(self) -> str:
        return f'{type(self).__name__}(transforms={self.transforms})'
