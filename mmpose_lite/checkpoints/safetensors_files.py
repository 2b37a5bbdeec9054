"""Weights as safetensors: tensors and a few texts, which cannot hold code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmpose_lite.errors import InputError
from mmpose_lite.structures.metainfo import describe_points, parse_description
from mmpose_lite.utils.lazy import load_optional
from mmpose_lite.utils.paths import shown

SUFFIX = '.safetensors'
_META = 'mmpose_lite'
_POINTS = 'dataset_meta'


def read_safetensors(path: str) -> dict[str, Any]:
    """Read ``state_dict``, and the ``meta`` that :func:`pack_safetensors` has put beside it.

    Raises:
        InputError: If the file is damaged, or the package is missing.
    """
    load_optional('safetensors')
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt', device='cpu') as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            texts = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f'checkpoint {shown(path)} cannot be read: {error}') from error
    return {'state_dict': state, 'meta': _parse(texts.get(_META), path)}


def _parse(text: str | None, path: str) -> dict[str, Any]:
    try:
        meta = json.loads(text or '{}')
    except (ValueError, RecursionError):
        return {}
    if not isinstance(meta, dict):
        return {}
    if _POINTS in meta:
        try:
            meta[_POINTS] = parse_description(meta[_POINTS])
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise InputError(
                f'checkpoint {shown(path)}: its description of the points is damaged: {error}'
            ) from error
    return meta


def pack_safetensors(state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """Make the content of a file of tensors, and of plain facts as JSON.

    Args:
        state: The tensors, by name.
        meta: What JSON can hold, and ``dataset_meta``, the parsed description of the points, which
            is stored in the form of configs.
    """
    load_optional('safetensors')
    from safetensors.torch import save

    if _POINTS in meta:
        meta = {**meta, _POINTS: describe_points(meta[_POINTS])}

    # Each its own memory, row by row, as the format asks.
    tensors = {key: value.detach().contiguous().clone() for key, value in state.items()}
    packed: bytes = save(tensors, {'format': 'pt', _META: json.dumps(dict(meta))})
    return packed
