"""Maps of several resolutions that describe one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement, PixelData


class MultilevelPixelData(BaseDataElement):
    """A list of :class:`PixelData`, one a resolution, that is set field by field.

    A field is set to a sequence with one map ``(C, H_i, W_i)`` for each level; the first field
    decides how many levels there are. ``data[i]`` is level i.
    """

    @property
    def nlevel(self) -> int:
        """The number of levels."""
        return len(self.levels())

    @property
    def shape(self) -> tuple:
        """The (H, W) of each level."""
        return tuple(level.shape for level in self.levels())

    def levels(self) -> list[PixelData]:
        """The levels, first to last."""
        return self.__dict__.get('_levels', [])

    def __getitem__(self, item: int) -> PixelData:
        return self.levels()[item]

    def set_field(self, value: Any, name: str, dtype: Any = None, field_type: str = 'data') -> None:
        """Set a field of every level, or a metainfo field of the whole.

        Raises:
            TypeError: If a data field is not a sequence of arrays or tensors.
            ValueError: If the sequence is empty or its length is not the number of levels.
        """
        if field_type == 'metainfo':
            super().set_field(value, name, dtype, field_type)
            return
        if not isinstance(value, Sequence) or not all(
            isinstance(item, (np.ndarray, torch.Tensor)) for item in value
        ):
            raise TypeError(f"field '{name}' must be a sequence of arrays, got {type(value)}")
        levels = self.levels() or [PixelData() for _ in value]
        if not value or len(value) != len(levels):
            raise ValueError(f"field '{name}' has {len(value)} maps for {len(levels)} levels")
        for level, item in zip(levels, value, strict=True):
            level.set_field(item, name)
        self.__dict__['_levels'] = levels
        self._data_fields.add(name)  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ('_metainfo_fields', '_data_fields'):
            super().__setattr__(name, value)
        else:
            self.set_field(value, name)

    def __getattr__(self, name: str) -> list:
        if name.startswith('_') or name not in self._data_fields:
            raise AttributeError(f"'{type(self).__name__}' has no field '{name}'")
        return [level.get(name) for level in self.levels()]

    def __delattr__(self, name: str) -> None:
        if name not in self._data_fields:
            super().__delattr__(name)
            return
        for level in self.levels():
            delattr(level, name)
        self._data_fields.remove(name)

    def to(self, *args: Any, **kwargs: Any) -> MultilevelPixelData:
        """Every level, moved or cast as :meth:`torch.Tensor.to` does."""
        return self._map(lambda level: level.to(*args, **kwargs))

    def cpu(self) -> MultilevelPixelData:
        return self._map(PixelData.cpu)

    def detach(self) -> MultilevelPixelData:
        return self._map(PixelData.detach)

    def numpy(self) -> MultilevelPixelData:
        return self._map(PixelData.numpy)

    def to_tensor(self) -> MultilevelPixelData:
        return self._map(PixelData.to_tensor)

    def _map(self, convert: Callable[[PixelData], PixelData]) -> MultilevelPixelData:
        mapped = type(self)(metainfo=self.metainfo)
        mapped.__dict__['_levels'] = [convert(level) for level in self.levels()]
        mapped._data_fields.update(self._data_fields)  # type: ignore[attr-defined]
        return mapped
