"""Whether the best epoch is chosen on faces that are trained on, or that are tested on."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmpose_lite.datasets.datasets.base.subsets import TrainValSplit

from .placement import find_datasets
from .point_checks import PreflightError

_WITH_SPLIT = (
    'configs/face_2d_keypoint/topdown_heatmap/aflw/'
    'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256_val-split.py'
)


def about_selection(cfg: Mapping[str, Any], save_best: str | Sequence[str]) -> str | None:
    """Say that the best epoch is chosen on test data.

    MMPose's configs of AFLW and other sets of faces, which have no validation set, do so, and ours
    say what they say; a number of the best epoch is then better than one of unseen faces would be.

    Args:
        cfg: The config.
        save_best: What the best epoch is chosen by.

    Returns:
        A sentence; None if validation and test have no annotation file in common.
    """
    tested = {(file, split) for file, split, _ in _sources(cfg, 'test')}
    validated = [(file, split) for file, split, _ in _sources(cfg, 'val')]
    shared = [source for source in validated if source in tested]
    if not shared:
        return None
    names = ', '.join(dict.fromkeys(osp.basename(file) for file, _ in shared))
    metric = save_best if isinstance(save_best, str) else ', '.join(save_best)
    return (
        f"the best epoch is chosen on test data, as MMPose's configs do (save_best: {metric} of "
        f'{names}, which is the test set too); {_WITH_SPLIT} holds out training faces for this '
        'instead (dataset.train_val_split)'
    )


def about_held_out(cfg: Mapping[str, Any]) -> str | None:
    """Say that validation faces are trained on.

    Args:
        cfg: The config.

    Returns:
        A sentence; None if they are not, or ``indices`` say which faces are read.

    Raises:
        PreflightError: If a set is split, but not into a part to train on and the rest.
    """
    for file, trained, some in _sources(cfg, 'train'):
        for other, validated, others in _sources(cfg, 'val'):
            if file != other or _are_apart(trained, validated):
                continue
            if trained or validated:
                raise PreflightError(
                    f"'{file}' is split, but validation faces may be trained on: train_val_split "
                    f'is {trained} in train_dataloader and {validated} in val_dataloader; it must '
                    "be part='train' and part='val' of one val_share"
                )
            if not some and not others:
                return f"validation faces are trained on: both are those of '{file}'"
    return None


def _are_apart(trained: TrainValSplit | None, validated: TrainValSplit | None) -> bool:
    if trained is None or validated is None:
        return False
    return validated.part == 'val' and trained == replace(validated, part='train')


def _sources(cfg: Mapping[str, Any], role: str) -> list[tuple[str, TrainValSplit | None, bool]]:
    """The annotation files of a role's loader, which part of each, and whether by ``indices``."""
    loader = cfg.get(f'{role}_dataloader') or {}
    sources = []
    for dataset in find_datasets(loader.get('dataset')):
        file = osp.realpath(osp.join(dataset.get('data_root') or '', dataset['ann_file']))
        split = TrainValSplit.of(dataset.get('train_val_split'))
        sources.append((file, split, dataset.get('indices') is not None))
    return sources
