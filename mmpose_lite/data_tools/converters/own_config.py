"""The config of a set of one's own, as docs/own_points.md explains it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.split import TrainValSplit

_TEXT = '''"""HRNetV2-W18 on your own faces; docs/own_points.md explains each part."""

_base_ = [
    'mmpose_lite::_base_/default_runtime.py',
    'mmpose_lite::_base_/models/hrnetv2_w18.py',
    'mmpose_lite::_base_/schedules/small_set.py',
    'mmpose_lite::_base_/pipelines/small_set_256x256.py',
    'mmpose_lite::_base_/loaders/faces.py',
]

model = dict(head=dict(out_channels={count}, decoder=_base_.codec))
faces = dict(
{settings}
)

# A hash of an image's name decides which part it is in.
shares = dict({shares})
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        faces, train_val_split=dict(shares, part='train'), pipeline=_base_.train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(faces, train_val_split=dict(shares, part='val'), pipeline=_base_.val_pipeline)
)
test_dataloader = {test}

# {about_size}
val_evaluator = dict({evaluator})
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=60, val_interval=1)
default_hooks = _base_.small_set_hooks
'''
_NO_TEST = 'val_dataloader  # with 100 photographs or more: a part of its own'
_TEST = (
    "dict(\n    dataset=dict(faces, train_val_split=dict(shares, part='test'), "
    'pipeline=_base_.val_pipeline)\n)'
)
_ENOUGH = 100
"""Photographs of which some can be kept for a test that nothing is chosen on."""


def config_name(set_name: str) -> str:
    """The name of the config's file, from which the folder of its runs gets its own."""
    return f'hrnetv2_{re.sub(r"[^A-Za-z0-9_-]", "_", set_name)}.py'


def size_pair(
    names: Sequence[str], mirrors: Mapping[str, str], points: ndarray, flags: ndarray
) -> tuple[str, str] | None:
    """Find the two points whose distance is the size of a face: the outermost pair of the eyes.

    Args:
        names: The points, in order.
        mirrors: The mirror point of each that has one.
        points: ``(N, K, 2)``.
        flags: ``(N, K)``, above 0 where a point is labelled.

    Returns:
        Their names, or None if no pair of mirror points is called after the eyes, or every face
        lacks one of them.
    """
    widths: dict[tuple[str, str], float] = {}
    for first, second in mirrors.items():
        i, j = names.index(first), names.index(second)
        is_eye = 'eye' in first.lower() and not re.search('brow|lash|lid', first.lower())
        both = (flags[:, [i, j]] > 0).all(axis=1)
        if i < j and is_eye and both.all():
            distances = np.linalg.norm(points[:, i] - points[:, j], axis=1)
            widths[first, second] = float(distances.mean())
    return max(widths, key=lambda pair: widths[pair], default=None)


def choose_shares(photographs: Collection[str]) -> dict[str, float] | None:
    """Choose the shares of photographs for validation and test, such that each part has some.

    Args:
        photographs: Their names in the annotations.

    Returns:
        Arguments of :class:`~.TrainValSplit`: a tenth for validation, or as much more as a few
        photographs need; from 100 on 0.15 each for validation and test. None if there are too few.
    """
    three = [{'val_share': 0.15, 'test_share': 0.15}] if len(photographs) >= _ENOUGH else []
    for shares in (*three, *({'val_share': percent / 100} for percent in range(10, 100))):
        parts = ['train', 'val', *(['test'] if 'test_share' in shares else [])]
        splits = [TrainValSplit.of({'part': part, **shares}) for part in parts]
        if all(split and any(map(split.has, photographs)) for split in splits):
            return shares
    return None


def config_text(
    settings: Mapping[str, Any],
    count: int,
    pair: tuple[str, str] | None,
    shares: Mapping[str, float],
) -> str:
    """Write the config.

    Args:
        settings: Arguments of the data set.
        count: Number of points.
        pair: The points of :func:`size_pair`.
        shares: Those of :func:`choose_shares`.
    """
    about_size = 'Errors are divided by the longer side of the box.'
    evaluator = "type='NME', norm_mode='use_norm_item', norm_item='bbox_size'"
    if pair is not None:
        about_size = 'Errors are divided by the distance between these two points.'
        names = f'keypoint_names={list(pair)!r}'
        evaluator = f"\n    type='NME', norm_mode='keypoint_distance', {names}\n"
    return _TEXT.format(
        count=count,
        settings='\n'.join(f'    {key}={value!r},' for key, value in settings.items()),
        shares=', '.join(f'{part}={share:g}' for part, share in shares.items()),
        test=_TEST if 'test_share' in shares else _NO_TEST,
        about_size=about_size,
        evaluator=evaluator,
    )
