"""What a test run leaves behind for reports: its rows, and where they come from."""

from __future__ import annotations

import math
import os.path as osp
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from mmpose_lite.engine.placement import find_datasets
from mmpose_lite.evaluation import NME
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.reporting.provenance import collect_provenance


def main_metric(metrics: Sequence[RowMetric]) -> RowMetric | None:
    """The metric whose rows are kept: the first NME, or else the first."""
    errors = [metric for metric in metrics if isinstance(metric, NME)]
    return next(iter([*errors, *metrics]), None)


def dump_content(
    cfg: Config, config: str, metric: RowMetric | None, numbers: dict[str, float], command: str
) -> dict[str, Any]:
    """All that a dump holds but further passes; see :mod:`mmpose_lite.reporting.dumps`.

    Args:
        cfg: The config, as it was run.
        config: Its file, as it was named.
        metric: Whose rows; None: there are none.
        numbers: What the test gave.
        command: The command line.
    """
    half = ', half precision' if cfg.test_cfg.get('fp16') else ''
    provenance = collect_provenance(
        command=command,
        config=cfg.filename or config,
        resolved=cfg.to_dict(),
        checkpoint=cfg.load_from,
        data=data_files(cfg.test_dataloader),
        flip_test=has_flip_test(cfg),
        device=get_device(),
    )
    provenance |= {'config': config, 'device': provenance['device'] + half}
    content = {'config': config, 'checkpoint': cfg.load_from, 'metrics': numbers}
    content['provenance'] = provenance
    images = [] if metric is None else [row.get('img_path') or '' for row in metric.rows]
    content['data_roots'] = data_roots(cfg.test_dataloader, images)
    if metric is None:
        return {**content, 'faces': []}
    meta = metric.dataset_meta or {}
    if meta:
        content['points'] = {
            'dataset': meta['dataset_name'],
            'names': [meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])],
            'flip_indices': list(meta['flip_indices']),
            'links': [list(link) for link in meta['skeleton_links']],
        }
    if isinstance(metric, NME):
        content['normaliser'] = {
            'title': metric.normaliser,
            'item': metric.norm_item if metric.pair is None else None,
            'pair': metric.pair,
        }
    content['counts'] = {
        score.key: {'faces': score.faces, 'points': score.points} for score in metric.scores
    }
    content['left_out'] = metric.left_out
    return {**content, 'faces': [_numbers_or_null(row) for row in metric.rows]}


def _numbers_or_null(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: what is no number, of a point that does not count, is null."""
    whole = [[x if math.isfinite(x) else None for x in point] for point in row['gt']]
    return {**row, 'gt': whole}


def has_flip_test(cfg: Config) -> bool:
    """Whether predictions are the mean with those of mirrored faces."""
    return bool((cfg.model.get('test_cfg') or {}).get('flip_test', False))


def data_files(loader: Any) -> Iterator[str]:
    """The annotation files that a loader's config names, and the files of their subsets."""
    for dataset in find_datasets(loader):
        named = [dataset['ann_file'], *(dataset.get('subsets') or {}).values()]
        for each in named:
            if isinstance(each, str):
                yield osp.join(dataset.get('data_root') or '', each)


def data_roots(loader: Any, images: Iterable[str]) -> list[str]:
    """The folders below which photographs are: the config's data roots, and where links lead.

    Args:
        loader: A loader's config.
        images: The photographs' paths.
    """
    roots = [dataset.get('data_root') for dataset in find_datasets(loader)]
    found = [root for root in dict.fromkeys(roots) if root]
    known = [*map(osp.realpath, found)]
    for folder in map(osp.realpath, {osp.dirname(image): None for image in images if image}):
        if not any(Path(folder).is_relative_to(root) for root in known):
            found.append(folder)
            known.append(folder)
    return found


def command_line(argv: Sequence[str] | None) -> str:
    """The command that runs; ``argv`` is what a command line of ours was given, as words."""
    if argv is None:
        return shlex.join(['python', *sys.argv])
    return shlex.join(['python', '-m', 'mmpose_lite', 'test', *argv])
