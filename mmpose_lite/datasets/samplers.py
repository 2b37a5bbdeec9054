"""Samplers whose indices carry their seed and epoch; see :mod:`.randomness`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mmengine.dataset import DefaultSampler as _DefaultSampler
from mmengine.dataset import InfiniteSampler as _InfiniteSampler

from mmpose_lite.registry import DATA_SAMPLERS

from .randomness import SampleIndex


@DATA_SAMPLERS.register_module()
class DefaultSampler(_DefaultSampler):
    """mmengine's epoch sampler: shuffled by (seed, epoch), shared out over the ranks."""

    _skipped = 0

    def skip(self, indices: int) -> None:
        """Leave out the first indices of the next iteration: they have been trained on."""
        self._skipped = indices

    def __iter__(self) -> Iterator[SampleIndex]:
        skipped, self._skipped = self._skipped, 0
        for index in islice(super().__iter__(), skipped, None):
            yield SampleIndex(index, self.seed, self.epoch)


@DATA_SAMPLERS.register_module()
class InfiniteSampler(_InfiniteSampler):
    """mmengine's endless sampler, for loops that count iterations."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._numbered = enumerate(self.indices)

    def skip(self, indices: int) -> None:
        """Leave out the next indices: they have been trained on."""
        for _ in islice(self._numbered, indices):
            pass

    def __iter__(self) -> Iterator[SampleIndex]:
        for number, index in self._numbered:
            epoch = (number * self.world_size + self.rank) // self.size
            yield SampleIndex(index, self.seed, epoch)
