"""Bringing the rows of all ranks together, over the process group alone."""

from __future__ import annotations

import json
from itertools import chain, zip_longest
from typing import Any

import torch
import torch.distributed as dist

_MISSING = object()


def gather_rows(rows: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Gather the rows of all ranks in the data's order; every rank gets all of them.

    Args:
        rows: This rank's rows, plain data that JSON can hold. Rank r has the samples r, r + R, ...
            of R ranks, as the sampler deals them.
        size: The number of samples; what a sampler padded beyond it is cut off.

    Raises:
        RuntimeError: If there are fewer rows than samples.
    """
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        parts = [json.loads(text) for text in _all_gather_bytes(json.dumps(rows).encode())]
        dealt = chain.from_iterable(zip_longest(*parts, fillvalue=_MISSING))
        rows = [row for row in dealt if row is not _MISSING]
    if len(rows) < size:
        raise RuntimeError(f'{size} samples were to be evaluated, only {len(rows)} have a row')
    return rows[:size]


def _all_gather_bytes(content: bytes) -> list[bytes]:
    # The group's backend decides where tensors must be: NCCL knows the GPU only.
    device = torch.device('cuda' if dist.get_backend() == 'nccl' else 'cpu')
    count = dist.get_world_size()
    lengths = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(count)]
    dist.all_gather(lengths, torch.tensor([len(content)], device=device))
    longest = int(max(lengths))
    padded = torch.zeros(longest, dtype=torch.uint8, device=device)
    padded[: len(content)] = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(device)
    parts = [torch.zeros_like(padded) for _ in range(count)]
    dist.all_gather(parts, padded)
    return [
        bytes(part[: int(length)].cpu().numpy())
        for part, length in zip(parts, lengths, strict=True)
    ]
