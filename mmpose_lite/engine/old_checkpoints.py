"""Names that parameters had in MMPose 0.x."""

from __future__ import annotations

import re
from typing import Any

_OLD_HEAD = 'keypoint_head.'
_NUMBERED = re.compile(r'head\.final_layer\.(\d+)\.(\w+)$')


def rename_old_keys(state_dict: dict[str, Any]) -> dict[str, Any]:
    """Give the tensors of an MMPose 0.x top-down model their names of 1.x.

    There the head is called ``keypoint_head``, and its convolutions and the last one are one
    sequence, ``final_layer.0`` onwards; here they are ``conv_layers`` and ``final_layer``.

    Args:
        state_dict: Tensors by name; those of 1.x come back as they are.
    """
    if not any(key.startswith(_OLD_HEAD) for key in state_dict):
        return state_dict
    renamed = {
        f'head.{key.removeprefix(_OLD_HEAD)}' if key.startswith(_OLD_HEAD) else key: tensor
        for key, tensor in state_dict.items()
    }
    numbers = [int(found[1]) for key in renamed if (found := _NUMBERED.match(key))]
    last = max(numbers, default=-1)

    def modern(key: str) -> str:
        found = _NUMBERED.match(key)
        if found is None:
            return key
        if int(found[1]) == last:
            return f'head.final_layer.{found[2]}'
        return f'head.conv_layers.{found[1]}.{found[2]}'

    return {modern(key): tensor for key, tensor in renamed.items()}
