"""The ``indices`` of a data set: which of its faces are used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmpose_lite.utils import InputError

from .json_files import short


def check_indices(indices: int | Sequence[int] | None, count: int, file: str) -> None:
    """Check that the faces that are listed are there; a number of first ones may be too high.

    Args:
        indices: The setting.
        count: How many faces there are.
        file: The annotation file.

    Raises:
        InputError: If one is not there, or none is listed.
    """
    if indices is None or isinstance(indices, int):
        return
    asked = f'indices={short(list(indices))}: {file} has {count} usable faces'
    if not len(indices):
        raise InputError(f'{asked}, none is asked for')
    for i in indices:
        if not (isinstance(i, int | np.integer) and -count <= i < count):
            raise InputError(f'{asked}, and no face {short(i)}')
