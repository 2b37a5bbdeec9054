"""Small exchanges between the processes of a run: bytes, JSON and numbers, never pickles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import InputError


def is_shared() -> bool:
    """Tell whether several processes take part."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def gather_bytes(content: bytes) -> list[bytes]:
    """Gather bytes of any length from every process; each gets all, in the order of the ranks."""
    if not is_shared():
        return [content]
    # The group's backend decides where tensors must be: NCCL knows the GPU only.
    device = torch.device('cuda' if dist.get_backend() == 'nccl' else 'cpu')
    lengths = _gather(torch.tensor([len(content)], device=device))
    # One byte more: neither buffers nor exchanges of no bytes at all are allowed.
    own = torch.frombuffer(bytearray(content + b'\0'), dtype=torch.uint8)
    padded = torch.zeros(max(map(int, lengths)) + 1, dtype=torch.uint8, device=device)
    padded[: len(own)] = own.to(device)
    return [
        bytes(part[: int(length)].cpu().numpy())
        for part, length in zip(_gather(padded), lengths, strict=True)
    ]


def gather_objects(value: Any, default: Callable[[Any], Any] | None = None) -> list[Any]:
    """Gather a value of every process as JSON; each gets all, in the order of the ranks.

    Args:
        value: Plain data that JSON can hold.
        default: Makes plain data of what it cannot; see :func:`json.dumps`.
    """
    content = json.dumps(value, default=default).encode()
    return [json.loads(part) for part in gather_bytes(content)]


def _gather(own: Tensor, group: Any = None) -> list[Tensor]:
    """Gather tensors of one shape: the only such call that no torch since 2.6 warns about."""
    parts = [torch.zeros_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, own, group=group)
    return parts


def first_decides(decide: Callable[[], str]) -> str:
    """Let the first process decide something, and tell all.

    Raises:
        InputError: In all processes, if ``decide`` did in the first one.
    """
    if not is_shared():
        return decide()
    found, refusal = '', None
    if dist.get_rank() == 0:
        try:
            found = decide()
        except InputError as error:
            refusal = error
    text, problem = gather_objects([found, refusal and str(refusal)])[0]
    if problem is not None:
        raise refusal or InputError(problem)
    return text


class HostGather:
    """Gathers one integer of each process on the host, without touching a device.

    All processes construct it at the same point.
    """

    def __init__(self) -> None:
        self._group: Any = None
        self._is_shared = is_shared()
        if self._is_shared and dist.get_backend() != 'gloo':
            self._group = dist.new_group(backend='gloo')

    def gather(self, value: int) -> list[int]:
        """Gather the numbers of all processes, in the order of the ranks."""
        if not self._is_shared:
            return [value]
        return [int(each) for each in _gather(torch.tensor([value]), self._group)]
