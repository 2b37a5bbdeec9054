"""Samplers whose indices carry their seed and epoch; see :mod:`.randomness`."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.dataset import DefaultSampler as _DefaultSampler
from mmengine.dataset import InfiniteSampler as _InfiniteSampler

from mmpose_lite.registry import DATA_SAMPLERS

from .randomness import SampleIndex


@DATA_SAMPLERS.register_module()
class DefaultSampler(_DefaultSampler):
    """mmengine's epoch sampler: shuffled by (seed, epoch), shared out over the ranks."""

    def __iter__(self) -> Iterator[SampleIndex]:
        for index in super().__iter__():
            yield SampleIndex(index, self.seed, self.epoch)


@DATA_SAMPLERS.register_module()
class InfiniteSampler(_InfiniteSampler):
    """mmengine's endless sampler, for loops that count iterations."""

    def __iter__(self) -> Iterator[SampleIndex]:
        for count, index in enumerate(super().__iter__()):
            epoch = (count * self.world_size + self.rank) // self.size
            yield SampleIndex(index, self.seed, epoch)
