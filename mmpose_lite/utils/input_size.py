"""The size of the crops that a config trains and tests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from mmengine.config import Config

from mmpose_lite.errors import InputError, first_few

from .config_utils import places

_CODECS = ('codec', 'decoder', 'encoder')
# The size of crops, and those of the maps that a network makes of them, in proportion.
SIZE_KEYS = ('input_size', 'heatmap_size', 'in_featuremap_size')
_NAMED = 4  # places that a sentence names


def set_input_size(cfg: Config) -> str:
    """Give all crops, codecs and heads of a config its ``input_size``, if it has one.

    Heatmaps keep their stride, and Gaussians their ``sigma``, in cells of the heatmap or bins of
    SimCC's vectors.

    Args:
        cfg: The config, which is changed, with the variables that it has beside what is read. Its
            ``input_size`` is a side or (width, height), pixels.

    Returns:
        A sentence about what had another size; an empty text if nothing had.

    Raises:
        InputError: If it is no size, no multiple of the network's stride, or one whose heatmaps
            would have parts of cells; or if the config has no codec.
    """
    if cfg.get('input_size') is None:
        return ''
    size_wh = _read_size(cfg.input_size)
    text = f'input_size={size_wh[0]}x{size_wh[1]}'
    # A part that several places share is one.
    parts = {id(part): (at, part) for at, part in places(cfg._cfg_dict) if isinstance(part, dict)}
    sizes = [part['input_size'] for _, part in parts.values() if _is_pair(part.get('input_size'))]
    if sizes and all(tuple(each) == size_wh for each in sizes):
        return ''
    _check_stride(cfg, size_wh, text)
    codecs = [
        codec
        for _, part in [('', cfg._cfg_dict), *parts.values()]
        for key in _CODECS
        for codec in _as_list(part.get(key))
        if isinstance(codec, dict) and _is_pair(codec.get('input_size'))
    ]
    if not codecs:
        raise InputError(
            f'{text}: the config has no codec with an input_size (model.head.decoder), from which '
            'crops and heatmaps follow'
        )
    usual = tuple(codecs[0]['input_size'])
    reached = [place for at, part in parts.values() for place in _resize(at, part, usual, size_wh)]
    return f'{text} reaches {first_few(reached, _NAMED)}; sigma stays, in cells or bins'


def _read_size(size: Any) -> tuple[int, int]:
    pair = size if isinstance(size, list | tuple) else (size, size)
    if not _is_pair(pair) or min(pair) < 1:
        raise InputError(
            f'input_size={size!r} is neither a side in pixels, such as 128, nor (width, height)'
        )
    return pair[0], pair[1]


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _is_pair(value: Any) -> bool:
    is_list = isinstance(value, list | tuple) and len(value) == 2
    return is_list and all(isinstance(side, int) and not isinstance(side, bool) for side in value)


def _check_stride(cfg: Config, size_wh: tuple[int, int], text: str) -> None:
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    stride = _stride_of(backbone)
    for name, side in zip(('width', 'height'), size_wh, strict=True):
        if side % stride:
            below = side // stride * stride
            near = f'{below} and {below + stride}' if below else str(stride)
            raise InputError(
                f'{text}: the {name} is not a multiple of {stride}, the stride of model.backbone '
                f'({backbone["type"]}); near are {near}'
            )


def _stride_of(backbone: dict) -> int:
    """The pixels of a crop to a cell of a backbone's smallest maps; 1 where it is not known."""
    kind = backbone.get('type')
    if kind == 'HRNet':
        stages = (backbone.get('extra') or {}).values()
        return 2 * 2 ** max((stage.get('num_branches', 0) for stage in stages), default=1)
    if kind in ('ResNet', 'ResNetV1d'):
        return 4 * prod(backbone.get('strides', (1, 2, 2, 2)))
    return 1


def _resize(
    where: str, part: dict, usual: tuple[int, ...], size_wh: tuple[int, int]
) -> Iterator[str]:
    """Give a part a size of input, and its maps what is in proportion; yields changed places."""
    old = tuple(part['input_size']) if _is_pair(part.get('input_size')) else usual
    if old == size_wh:
        return
    for key in SIZE_KEYS:
        value: Any = part.get(key)
        if not _is_pair(value):
            continue
        scaled = [divmod(each * size_wh[i], old[i]) for i, each in enumerate(value)]
        if any(rest for _, rest in scaled):
            raise InputError(
                f'input_size={size_wh[0]}x{size_wh[1]}: {where}.{key}={tuple(value)} is for crops '
                f'of {old[0]}x{old[1]}, and would have parts of cells'
            )
        part[key] = tuple(whole for whole, _ in scaled)
        yield f'{where}.{key}'
