"""Loading the faces of a batch together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...randomness import SampleIndex, draws_globally

if TYPE_CHECKING:
    from .base_coco_style_dataset import BaseCocoStyleDataset


def load_batch(dataset: BaseCocoStyleDataset, indices: Sequence[int]) -> list:
    """Load samples, the same that ``dataset[index]`` gives.

    Crops from the cache pass the pipeline transform by transform instead of face by face: what one
    transform needs then stays in the core's caches, which takes a tenth off the time of a face.
    Photographs do not, for a whole batch of them would be in memory at once.
    """
    transforms = getattr(dataset.pipeline, 'transforms', None)
    if (
        dataset.crops is None
        or dataset.replacement is not None
        or transforms is None
        or any(draws_globally(each) for each in transforms)
    ):
        return [dataset[index] for index in indices]
    samples: list[Any] = [_start(dataset, index) for index in indices]
    for transform in transforms:
        samples = [None if sample is None else transform(sample) for sample in samples]
    # Only one by one is another drawn where the pipeline refuses a sample.
    return [
        dataset[index] if sample is None else sample
        for index, sample in zip(indices, samples, strict=True)
    ]


def _start(dataset: BaseCocoStyleDataset, index: int) -> dict:
    sample = dataset.start(index)
    if isinstance(index, SampleIndex):
        sample['rng'] = index.rng()
    return sample
