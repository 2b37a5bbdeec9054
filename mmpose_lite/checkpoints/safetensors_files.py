"""Weights as safetensors: tensors and a few texts, which cannot hold code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmpose_lite.errors import InputError
from mmpose_lite.utils.lazy import load_optional
from mmpose_lite.utils.paths import shown

SUFFIX = '.safetensors'
_META = 'mmpose_lite'


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
    return {'state_dict': state, 'meta': _parse(texts.get(_META))}


def _parse(text: str | None) -> dict[str, Any]:
    try:
        meta = json.loads(text or '{}')
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


def pack_safetensors(state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """Make the content of a file of tensors, and of plain facts as JSON."""
    load_optional('safetensors')
    from safetensors.torch import save

    # Each its own memory, row by row, as the format asks.
    tensors = {key: value.detach().contiguous().clone() for key, value in state.items()}
    packed: bytes = save(tensors, {'format': 'pt', _META: json.dumps(dict(meta))})
    return packed
