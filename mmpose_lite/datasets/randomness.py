"""Randomness that belongs to the sample.

What is drawn for face ``index`` in epoch ``epoch`` is a function of (seed, epoch, index) alone, so
the number of workers and ranks, and resuming, change nothing. The three numbers travel with the
index: a sampler yields :class:`SampleIndex`, the data set puts a generator under ``rng`` into the
sample, and every random transform draws from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class SampleIndex(int):
    """An index into a data set that knows the seed and the epoch it is drawn in."""

    seed: int
    epoch: int

    def __new__(cls, index: int, seed: int, epoch: int) -> SampleIndex:
        self = super().__new__(cls, index)
        self.seed = seed
        self.epoch = epoch
        return self

    def __reduce__(self) -> tuple:
        return SampleIndex, (int(self), self.seed, self.epoch)

    def rng(self) -> np.random.Generator:
        """The generator of this sample in this epoch."""
        return np.random.default_rng([self.seed, self.epoch, int(self)])


def sample_rng(results: Mapping[str, Any]) -> np.random.Generator:
    """The generator of a sample; without one, a new one seeded by numpy's global state."""
    rng = results.get('rng')
    return np.random.default_rng(np.random.randint(2**31)) if rng is None else rng
