"""Samplers, and randomness that belongs to the sample.

Random draws for face ``index`` in epoch ``epoch`` are a function of (seed, epoch, index) alone: the
number of workers and ranks, and resuming, change nothing. The three numbers travel with the index:
a sampler yields a :class:`SampleIndex`, the data set puts a generator into the sample under
``rng``, and every random transform draws from it through :func:`sample_rng`. The global state of
``random`` and ``numpy.random``, from which other transforms draw, is seeded by the same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler as _DefaultSampler
from mmengine.dataset import InfiniteSampler as _InfiniteSampler

from mmpose_lite.registry import DATA_SAMPLERS


class SampleIndex(int):
    """An index into a data set that knows the run's seed and the epoch, from 0, it is drawn in.

    Data sets made of others (``ConcatDataset``, ``RepeatDataset``) compute a part's index from it;
    the result keeps ``origin``, the index that the sampler gave, and so the sample's randomness.
    """

    seed: int
    epoch: int
    origin: int

    def __new__(cls, index: int, seed: int, epoch: int, origin: int | None = None) -> SampleIndex:
        self = super().__new__(cls, index)
        self.seed = seed
        self.epoch = epoch
        self.origin = int(self) if origin is None else origin
        return self

    def __reduce__(self) -> tuple:
        return SampleIndex, (int(self), self.seed, self.epoch, self.origin)

    def at(self, index: int) -> SampleIndex:
        """Make another index with the randomness of this one."""
        return SampleIndex(index, self.seed, self.epoch, self.origin)

    def __add__(self, other: int) -> SampleIndex:
        return self.at(int(self) + int(other))

    def __sub__(self, other: int) -> SampleIndex:
        return self.at(int(self) - int(other))

    def __mod__(self, other: int) -> SampleIndex:
        return self.at(int(self) % int(other))

    def __floordiv__(self, other: int) -> SampleIndex:
        return self.at(int(self) // int(other))

    def rng(self, with_global: bool = False) -> np.random.Generator:
        """Make the generator of this sample in this epoch.

        ``with_global`` also seeds Python's and numpy's own, which transforms of others draw from.
        """
        numbers = [self.seed, self.epoch, self.origin]
        if with_global:
            random.seed(' '.join(map(str, numbers)))
            np.random.seed([number % 2**32 for number in numbers])
        return np.random.default_rng(numbers)


def sample_rng(results: Mapping[str, Any]) -> np.random.Generator:
    """Return the generator of a sample, or else a new one seeded by numpy's global state."""
    rng = results.get('rng')
    return np.random.default_rng(np.random.randint(2**31)) if rng is None else rng


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
