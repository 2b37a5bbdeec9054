"""Loading faces: one by one, or those of a batch together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mmengine.dataset import Compose

from ...randomness import SampleIndex

if TYPE_CHECKING:
    from .base_coco_style_dataset import BaseCocoStyleDataset


def load_sample(dataset: BaseCocoStyleDataset, idx: int, which: int) -> Any:
    """Run the pipeline on sample ``which`` with the randomness of ``idx``."""
    if not isinstance(idx, SampleIndex):
        return dataset.pipeline(dataset.raw_sample(which))
    rng = idx.rng()
    idx.seed_global_state()
    sample = dataset.pipeline({**dataset.raw_sample(which), 'rng': rng})
    if sample is None and not dataset.test_mode:
        # The pipeline refuses the sample; which one stands in is drawn for it, too.
        for _ in range(dataset.max_refetch):
            other = int(rng.integers(len(dataset)))
            sample = dataset.pipeline({**dataset.raw_sample(other), 'rng': rng})
            if sample is not None:
                break
    return sample


def load_batch(dataset: BaseCocoStyleDataset, indices: Sequence[int]) -> list:
    """Load samples, the same that ``dataset[index]`` gives.

    Crops from the cache pass the pipeline transform by transform instead of face by face: what one
    transform needs then stays in the core's caches, which takes a tenth off the time of a face.
    Photographs do not, for a whole batch of them would be in memory at once.

    A transform takes part if its own class, not one that it inherits from, has
    ``goes_batchwise = True``: it draws from the sample's generator alone, keeps nothing from one
    sample for the next, and makes no copy of a crop before it is warped.
    """
    drawn = [index for index in indices if isinstance(index, SampleIndex)]
    if len(drawn) < len(indices) or not _goes_together(dataset):
        return [dataset[index] for index in indices]
    samples: list[Any] = [{**dataset.raw_sample(index), 'rng': index.rng()} for index in drawn]
    for transform in dataset.pipeline.transforms:
        samples = [None if sample is None else transform(sample) for sample in samples]
    # Only one by one is another drawn where the pipeline refuses a sample.
    return [
        dataset[index] if sample is None else sample
        for index, sample in zip(indices, samples, strict=True)
    ]


def _goes_together(dataset: BaseCocoStyleDataset) -> bool:
    """Whether nothing is lost when samples pass each transform together."""
    from .base_coco_style_dataset import BaseCocoStyleDataset  # which imports this module

    kind, ours = type(dataset), BaseCocoStyleDataset
    return (
        dataset.crops is not None
        and dataset.replacement is None
        and kind.__getitem__ is ours.__getitem__
        and kind.prepare_data is ours.prepare_data
        and type(dataset.pipeline) is Compose
        and all(_goes_batchwise(each) for each in dataset.pipeline.transforms)
    )


def _goes_batchwise(transform: Callable) -> bool:
    return vars(type(transform)).get('goes_batchwise', False)
