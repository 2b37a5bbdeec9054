"""Data sets made of others: as objects, and as configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Nest = tuple[Any, ...]
"""A data set behind those that it is part of, the outermost first."""


def walk_datasets(dataset: Any, place: str = '', outer: Nest = ()) -> Iterator[tuple[str, Nest]]:
    """Go through a data set and all that it is made of, the whole before its parts.

    Parts are under ``datasets`` or ``dataset``, as attributes of an object or keys of a config; a
    loader has its data set there, too.

    Yields:
        The place of each in the config, such as ``'train_dataloader.dataset.datasets.0'``, and the
        data set behind those that it is part of.
    """
    nest = (*outer, dataset)
    yield place, nest
    for key in ('datasets', 'dataset'):
        parts = dataset.get(key) if isinstance(dataset, Mapping) else getattr(dataset, key, None)
        if isinstance(parts, list | tuple):
            for i, part in enumerate(parts):
                yield from walk_datasets(part, f'{place}.{key}.{i}'.lstrip('.'), nest)
        elif parts is not None:
            yield from walk_datasets(parts, f'{place}.{key}'.lstrip('.'), nest)


def innermost(dataset: Any) -> Iterator[Nest]:
    """Find the data sets that are made of no others, each behind those that it is part of."""
    nests = [nest for _, nest in walk_datasets(dataset)]
    made_of = {id(outer) for nest in nests for outer in nest[:-1]}
    return (nest for nest in nests if id(nest[-1]) not in made_of)
