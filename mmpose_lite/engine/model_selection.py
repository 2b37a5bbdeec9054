"""Whether the best epoch of a run is chosen on the faces that it is tested on."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

from .placement import find_datasets

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
    tested = set(_sources(cfg.get('test_dataloader')))
    shared = [file for file in _sources(cfg.get('val_dataloader')) if file in tested]
    if not shared:
        return None
    names = ', '.join(dict.fromkeys(osp.basename(file) for file, _ in shared))
    metric = save_best if isinstance(save_best, str) else ', '.join(save_best)
    return (
        f"the best epoch is chosen on test data, as MMPose's configs do (save_best: {metric} of "
        f'{names}, which is the test set too); {_WITH_SPLIT} holds out training faces for this '
        'instead (dataset.train_val_split)'
    )


def _sources(loader: Any) -> list[tuple[str, str]]:
    """The annotation files of a loader's config, and which part of each."""
    return [
        (
            osp.realpath(osp.join(dataset.get('data_root') or '', dataset['ann_file'])),
            repr(dataset.get('train_val_split')),
        )
        for dataset in find_datasets((loader or {}).get('dataset'))
    ]
