"""Dumps of test runs: the rows of a metric, and their origin."""

from __future__ import annotations

import hashlib
import json
import math
import os.path as osp
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from mmpose_lite.evaluation import NME
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.utils import files
from mmpose_lite.utils.collect_env import describe_devices, installed_versions

from .run import Run, read_table
from .run_errors import RunErrors
from .schema import Dump, Further, Metadata, MetricNormaliser, PointSet

# Settings that belong to one run alone: its folders, weights and launcher.
_OF_THE_RUN = ('work_dir', 'load_from', 'resume', 'launcher')
_PLACES = ('out_dir', 'out_file_path', 'save_dir')  # at any depth


def main_metric(metrics: Sequence[RowMetric]) -> RowMetric | None:
    """Return the metric whose rows are kept: the first NME, or else the first."""
    errors = [metric for metric in metrics if isinstance(metric, NME)]
    return next(iter([*errors, *metrics]), None)


def make_dump(
    cfg: Config,
    config: str,
    datasets: Sequence[Mapping[str, Any]],
    metric: RowMetric | None,
    numbers: dict[str, float],
    command: str,
    further: Further | None = None,
    engine: str | None = None,
) -> Dump:
    """Collect the content of a dump, after a test and on the same machine.

    ``cfg`` is the config as it was run, ``config`` its file, as given; ``metric`` is that whose
    rows are kept, and without one there are none; ``engine`` is what ran an exported file.
    """
    images = [] if metric is None else [row.get('img_path') or '' for row in metric.rows]
    dump = Dump(
        config=config,
        # Not best.pth, which points at another file after the next training.
        checkpoint=osp.realpath(cfg.load_from) if osp.islink(cfg.load_from) else cfg.load_from,
        metrics=numbers,
        provenance=collect_metadata(cfg, config, datasets, command, engine),
        data_roots=tuple(data_roots(datasets, images)),
        faces=[],
        further=further,
    )
    if metric is None:
        return dump
    counts = {each.key: {'faces': each.faces, 'points': each.points} for each in metric.scores}
    return replace(
        dump,
        points=_point_set(metric.dataset_meta or {}),
        normaliser=_normaliser(metric),
        counts=counts,
        left_out=metric.left_out,
        faces=[_numbers_or_null(row) for row in metric.rows],
    )


def measure_rows(metric: RowMetric, rows: Sequence[dict[str, Any]]) -> RunErrors:
    """Measure rows of a metric as a report does."""
    table = read_table(rows)
    names = tuple(f'point {i}' for i in range(table.points))
    points = _point_set(metric.dataset_meta or {}) or PointSet(names=names)
    return RunErrors(Run('', table, points, _normaliser(metric)))


def _normaliser(metric: RowMetric) -> MetricNormaliser | None:
    if not isinstance(metric, NME):
        return None
    item = metric.norm_item if metric.pair is None else None
    return MetricNormaliser(metric.normaliser, item, metric.pair)


def _point_set(meta: Mapping[str, Any]) -> PointSet | None:
    if not meta:
        return None
    return PointSet(
        dataset=meta['dataset_name'],
        names=tuple(meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])),
        flip_indices=tuple(meta['flip_indices']),
        links=tuple((i, j) for i, j in meta['skeleton_links']),
    )


def _numbers_or_null(row: dict[str, Any]) -> dict[str, Any]:
    """Replace numbers that are not finite, of points that do not count, by None."""
    gt = [[x if math.isfinite(x) else None for x in point] for point in row['gt']]
    return {**row, 'gt': gt}


def collect_metadata(
    cfg: Config,
    config: str,
    datasets: Sequence[Mapping[str, Any]],
    command: str,
    engine: str | None = None,
) -> Metadata:
    """Describe the origin of a test's numbers; see :func:`make_dump`."""
    device = get_device() if engine is None else 'cpu'
    by = '' if engine is None else f', {engine}'
    half = ', half precision' if cfg.test_cfg.get('fp16') else ''
    return {
        'command': command,
        'config': config,
        'config_sha256': sha256(cfg.filename or config),
        'resolved_config_sha256': resolved_sha256(cfg.to_dict()),
        'checkpoint': cfg.load_from,
        'checkpoint_sha256': sha256(cfg.load_from),
        'data': [{'file': path, 'sha256': sha256(path)} for path in data_files(datasets)],
        'versions': {**installed_versions()},
        'device': (describe_devices() if device.startswith('cuda') else device.upper()) + half + by,
        'flip_test': has_flip_test(cfg),
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
    }


def has_flip_test(cfg: Config) -> bool:
    """Tell whether predictions are the mean with those of mirrored faces."""
    return bool((cfg.model.get('test_cfg') or {}).get('flip_test', False))


def data_files(datasets: Iterable[Mapping[str, Any]]) -> list[str]:
    """Find the annotation files in the configs of data sets, and those of subsets."""
    found = [
        osp.join(dataset.get('data_root') or '', each)
        for dataset in datasets
        for each in [dataset['ann_file'], *(dataset.get('subsets') or {}).values()]
        if isinstance(each, str)
    ]
    return list(dict.fromkeys(found))


def data_roots(datasets: Iterable[Mapping[str, Any]], images: Iterable[str]) -> list[str]:
    """Find the folders that contain photographs: data roots, and the targets of links there."""
    roots = [dataset.get('data_root') for dataset in datasets]
    found = [root for root in dict.fromkeys(roots) if root]
    known = [*map(osp.realpath, found)]
    for folder in map(osp.realpath, {osp.dirname(image): None for image in images if image}):
        if not any(Path(folder).is_relative_to(root) for root in known):
            found.append(folder)
            known.append(folder)
    return found


def command_line(argv: Sequence[str] | None) -> str:
    """Return the command that runs; ``argv`` are the words given to a command line of ours."""
    if argv is None:
        return shlex.join(['python', *sys.argv])
    return shlex.join(['python', '-m', 'mmpose_lite', 'test', *argv])


def resolved_sha256(config: Mapping[str, Any]) -> str:
    """Compute the SHA-256 of a config's values, without those that belong to one run alone.

    The order of keys does not matter, nor whether a sequence is a list or a tuple.
    """
    kept = {key: value for key, value in config.items() if key not in _OF_THE_RUN}
    text = json.dumps(_without_places(kept), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {str(key): item for key, item in value.items() if key not in _PLACES}
        return {key: _without_places(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return value


def sha256(path: str) -> str | None:
    """Compute the SHA-256 of a file in hexadecimal; None if there is no such file."""
    return files.sha256(path) if Path(path).is_file() else None
