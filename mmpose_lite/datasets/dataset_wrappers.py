"""Data sets made of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmpose_lite.errors import InputError
from mmpose_lite.registry import DATASETS, TRANSFORMS
from mmpose_lite.structures.metainfo import SAMPLE_KEYS, PoseMetainfo, parse_pose_metainfo

from .crop_cache import CacheSettings
from .datasets.base import BaseCocoStyleDataset
from .samplers import SampleIndex
from .transforms.converting import KeypointConverter

# The common description replaces these of the part's; `dataset_name` still tells the part.
_COMMON_KEYS = tuple(key for key in SAMPLE_KEYS if key != 'dataset_name')
# The number of this stream of random draws, apart from those of augmentation and replacement.
_STREAM = 2


@DATASETS.register_module()
class CombinedDataset(BaseDataset):
    """Several data sets as one, with one set of points.

    A sample goes through the pipeline of its part, which brings its points into the common order
    (see :class:`KeypointConverter`), and then through this set's own. A part's ``cache`` and
    ``on_bad_image`` cover both pipelines, and the subsets are those of all parts.

    Args:
        metainfo: Description of the common points.
        datasets: Configs of the parts.
        pipeline: What comes after a part's own pipeline.
        sample_ratio_factor: For each part, how many samples an epoch takes from it, as a multiple
            of those that it has: 0.5 takes one of every two neighbours, 2 takes each twice on
            average. The choice is a function of (seed, epoch, index).
        test_mode: Whether this is test data.
        lazy_init: Do not read anything yet.
        max_refetch: How often another sample is tried if the pipeline gives none (training).

    Raises:
        InputError: If there is no part, the factors do not fit the parts, or a part's points do not
            fit the common ones.
    """

    def __init__(
        self,
        metainfo: dict,
        datasets: Sequence[dict],
        pipeline: Sequence[dict | Callable] = (),
        sample_ratio_factor: Sequence[float] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
    ) -> None:
        factors = sample_ratio_factor
        _check_parts(datasets, factors)
        self._fully_initialized: bool = False
        self.resample = factors is not None
        self._factors = [1.0] * len(datasets) if factors is None else list(factors)
        # Crops reach as far as both pipelines draw, so a part cannot open them by itself.
        self._caches = [CacheSettings.of(part.get('cache')) for part in datasets]
        self.datasets = [
            DATASETS.build({key: part[key] for key in part if key != 'cache'}) for part in datasets
        ]
        super().__init__(
            metainfo=metainfo,
            pipeline=[TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline],
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
        )

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> PoseMetainfo:
        return parse_pose_metainfo(metainfo or {})

    def full_init(self) -> None:
        """Read all parts, and open their crop caches.

        Raises:
            InputError: If the points of a part are not the common ones, a subset has the name of a
                part, or no sample is taken.
        """
        if self._fully_initialized:
            return
        self._check_points()
        self._check_names()
        for part, cache in zip(self.datasets, self._caches, strict=True):
            part.full_init()
            if cache is not None:
                self._open_cache(part, cache)
        self._whole = [len(part) for part in self.datasets]
        shares = zip(self._whole, self._factors, strict=True)
        self._lens = [round(whole * factor) for whole, factor in shares]
        if not sum(self._lens):
            raise InputError(
                f'CombinedDataset: sample_ratio_factor={self._factors} takes no sample of parts '
                f'that have {self._whole}'
            )
        self._ends = list(accumulate(self._lens))
        self._fully_initialized = True

    def _open_cache(self, part: Any, settings: CacheSettings) -> None:
        if not isinstance(part, BaseCocoStyleDataset):
            raise InputError(f'CombinedDataset: {type(part).__name__} has no crops to cache')
        part.open_crops(settings, self)

    def _check_points(self) -> None:
        common = self._metainfo['num_keypoints']
        for number, part in enumerate(self.datasets):
            own = getattr(getattr(part, 'pipeline', None), 'transforms', ())
            steps = [*own, *self.pipeline.transforms]
            counts = [part.metainfo['num_keypoints']]
            counts += [step.num_keypoints for step in steps if isinstance(step, KeypointConverter)]
            if counts[-1] != common:
                raise InputError(
                    f"CombinedDataset: datasets[{number}] ('{part.metainfo['dataset_name']}') has "
                    f'{" -> ".join(map(str, counts))} points, the metainfo '
                    f"('{self._metainfo['dataset_name']}') names {common}: give it a "
                    'KeypointConverter to these'
                )

    def _check_names(self) -> None:
        """Check that a metric's number of a subset can be told from that of a part."""
        for name in self.subsets:
            if name in self.part_names:
                raise InputError(
                    f"subsets['{name}'] has the name of a data set that is a part of the whole: "
                    'give it another'
                )

    @property
    def subsets(self) -> dict[str, Any]:
        """The named subsets of all parts."""
        return {
            name: source
            for part in self.datasets
            for name, source in getattr(part, 'subsets', {}).items()
        }

    @property
    def part_names(self) -> list[str]:
        """Names of the data sets that are parts, each once; none where there is only one."""
        names = dict.fromkeys(part.metainfo['dataset_name'] for part in self.datasets)
        return list(names) if len(names) > 1 else []

    @property
    def lens(self) -> list[int]:
        """The number of samples that an epoch takes from each part."""
        self.full_init()
        return list(self._lens)

    def __len__(self) -> int:
        return sum(self.lens)

    def get_data_info(self, idx: int) -> dict | None:
        """Return sample ``idx`` as its part makes it, with the common metainfo.

        Raises:
            IndexError: If there is no such sample.
        """
        part, local = self._find_sample(idx)
        sample = self.datasets[part][local]
        common = {key: self._metainfo[key] for key in _COMMON_KEYS}
        return None if sample is None else {**sample, **common}

    def prepare_data(self, idx: int) -> Any:
        """Run both pipelines on sample ``idx``; randomness follows the index.

        The part decides what happens if an image cannot be read; stand-ins come from the same part.
        """
        part, start = self._find_part(idx)
        replacement = getattr(self.datasets[part], 'bad_image_replacement', None)
        if replacement is None:
            return self._prepare(idx, idx)
        return replacement.prepare(
            lambda index, which: self._prepare(index + start, which + start),
            idx % len(self) - start,
            self._lens[part],
        )

    def _prepare(self, idx: int, which: int) -> Any:
        index = idx.at(which) if isinstance(idx, SampleIndex) else which
        sample = self.get_data_info(index)
        return None if sample is None else self.pipeline(sample)

    def _find_part(self, idx: int) -> tuple[int, int]:
        """Find the number of a sample's part, and the index of that part's first sample."""
        count = len(self)
        if not -count <= idx < count:
            raise IndexError(f'there is no sample {int(idx)} among {count}')
        number = int(idx) % count
        part = next(i for i, end in enumerate(self._ends) if number < end)
        return part, self._ends[part] - self._lens[part]

    def _find_sample(self, idx: int) -> tuple[int, int]:
        """Find the number of a sample's part, and the sample's index there."""
        part, start = self._find_part(idx)
        local = int(idx) % len(self) - start
        if self.resample:
            stretch = self._whole[part] / self._lens[part]
            local = min(int(stretch * (local + _draw(idx))), self._whole[part] - 1)
        return part, idx.at(local) if isinstance(idx, SampleIndex) else local


def _check_parts(datasets: Sequence[dict], factors: Sequence[float] | None) -> None:
    if not datasets:
        raise InputError('CombinedDataset: datasets is empty')
    if factors is None:
        return
    fit = all(isinstance(each, int | float) and 0 <= each < math.inf for each in factors)
    if len(factors) != len(datasets) or not fit:
        raise InputError(
            f'CombinedDataset: sample_ratio_factor={list(factors)} must be one number from 0 on '
            f'for each of the {len(datasets)} datasets'
        )


def _draw(idx: int) -> float:
    """Draw a number from 0 to 1 for a sample."""
    if isinstance(idx, SampleIndex):
        return np.random.default_rng([idx.seed, idx.epoch, idx.origin, _STREAM]).random()
    return np.random.rand()
