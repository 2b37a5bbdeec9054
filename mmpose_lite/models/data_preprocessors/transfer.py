"""From the host to the device, in few copies that nothing waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmpose_lite.structures.elements import make_element


def host_buffer(shape: int | tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Uninitialised host memory that copies to a device start from: pinned for CUDA."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == 'cuda')


def join_on(parts: list[Tensor], device: torch.device, non_blocking: bool) -> Tensor:
    """Concatenate flat tensors of one type on a device.

    Pinned parts go straight to their places. Others are joined in pinned memory first, since a
    copy from ordinary memory makes the host wait.

    Args:
        parts: Tensors ``(n_i,)``, all on the host or all on the device.
        device: The device.
        non_blocking: Do not wait for the copy to the device.
    """
    if device.type != 'cuda' or parts[0].is_cuda:
        return torch.cat(parts).to(device)
    sizes = [len(part) for part in parts]
    if not parts[0].is_pinned():
        staged = host_buffer(sum(sizes), parts[0].dtype, device)
        return torch.cat(parts, out=staged).to(device, non_blocking=non_blocking)
    joined = torch.empty(sum(sizes), dtype=parts[0].dtype, device=device)
    for place, part in zip(joined.split(sizes), parts, strict=True):
        place.copy_(part, non_blocking=non_blocking)
    return joined


def stack_on(images: Sequence[Tensor], device: torch.device, non_blocking: bool) -> Tensor:
    """Stack images of one shape ``(C, H, W)`` on a device, ``(B, C, H, W)``.

    Views of ``(H, W, C)`` are copied as they lie: the batch is channels-last.

    Raises:
        TypeError: If an image is not of three dimensions.
    """
    shape = images[0].shape
    if len(shape) != 3:
        raise TypeError(f'inputs must be images (C, H, W), got {tuple(shape)}')
    channels, height, width = shape
    by_pixel = [image.permute(1, 2, 0) for image in images]
    if all(image.is_contiguous() for image in by_pixel):
        joined = join_on([image.view(-1) for image in by_pixel], device, non_blocking)
        return joined.view(-1, height, width, channels).permute(0, 3, 1, 2)
    return join_on([image.reshape(-1) for image in images], device, non_blocking).view(-1, *shape)


def sample_on(sample: BaseDataElement, device: torch.device, non_blocking: bool) -> BaseDataElement:
    """A sample of its own whose tensors are on the device; it shares what holds no tensor.

    The element's own ``to`` would copy the metainfo deeply, which takes milliseconds a batch.
    """
    metainfo = {key: sample.get(key) for key in sample.metainfo_keys()}
    moved = make_element(type(sample), {}, metainfo)
    for key, value in sample.items():
        is_moved = _may_hold_tensors(value)
        setattr(moved, key, value.to(device, non_blocking=non_blocking) if is_moved else value)
    return moved


def _may_hold_tensors(value: Any) -> bool:
    if isinstance(value, BaseDataElement):
        return not all(isinstance(each, np.ndarray) for each in value.values())
    return hasattr(value, 'to')
