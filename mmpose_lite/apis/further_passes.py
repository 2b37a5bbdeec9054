"""Further passes over a test set, for reports: the flip test the other way, boxes that are wrong.

They come after the test, with the model as it left it: weights loaded, norms folded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.runner.amp import autocast
from torch.utils.data import DataLoader, Dataset, Subset

from mmpose_lite.datasets import build_dataset
from mmpose_lite.engine import PoseRunner
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.evaluation.metrics.row_metric import gather_rows
from mmpose_lite.reporting.run import BOX_ERRORS

AMOUNTS = (0.05, 0.1, 0.2)


def further_passes(
    runner: PoseRunner, metric: RowMetric, faces: int, seed: int = 0
) -> dict[str, Any]:
    """Predict again; all processes of a run call this together.

    Args:
        runner: It has just tested.
        metric: One of its metrics that keep rows; it is left as it is.
        faces: Over how many faces, drawn from the set, boxes are disturbed. The flip test the
            other way round is over all. 0: no further passes at all.
        seed: Of the faces, and of the directions that boxes move in.

    Returns:
        The ``further`` of a dump; see :mod:`mmpose_lite.reporting.dumps`.
    """
    passes: list[dict[str, Any]] = []
    if faces:
        passes += _other_flip_test(runner, metric)
        passes += _disturbed(runner, metric, _choose(len(metric.rows), faces, seed), seed)
    return {'seed': seed, 'passes': passes}


def _choose(total: int, faces: int, seed: int) -> list[int]:
    drawn = np.random.default_rng(seed).choice(total, min(total, faces), replace=False)
    return np.sort(drawn).tolist()


def _other_flip_test(runner: PoseRunner, metric: RowMetric) -> list[dict[str, Any]]:
    """Predict all faces without flip test, or with; not with where points have no mirrors."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    settings = model.test_cfg
    is_on = not settings.get('flip_test', False)
    if is_on and not (metric.dataset_meta or {}).get('flip_pairs'):
        return []
    runner.logger.info(f'report: all faces {"with" if is_on else "without"} flip test')
    model.test_cfg = {**settings, 'flip_test': is_on}
    try:
        pred = _predict(runner, runner.test_dataloader, metric, len(metric.rows))
    finally:
        model.test_cfg = settings
    return [_pass('flip_test', int(is_on), list(range(len(pred))), pred)]


def _disturbed(
    runner: PoseRunner, metric: RowMetric, chosen: list[int], seed: int
) -> Iterable[dict[str, Any]]:
    """Predict some faces with boxes that are moved, larger and smaller."""
    for kind in BOX_ERRORS:
        for amount in AMOUNTS:
            step = {'type': 'DisturbBox', 'kind': kind, 'amount': amount, 'seed': seed}
            settings = copy.deepcopy(runner.cfg.test_dataloader)
            if not disturb(settings.dataset, step):
                runner.logger.warning(
                    'report: no pipeline has GetBBoxCenterScale, boxes are not disturbed'
                )
                return
            runner.logger.info(f'report: boxes {kind} by {amount:.0%}, {len(chosen)} faces')
            settings.dataset = Subset(_built(settings.dataset), chosen)
            settings.persistent_workers = False
            loader = runner.build_dataloader(settings, seed=runner.seed)
            pred = _predict(runner, loader, metric, len(chosen))
            yield _pass(kind, amount, chosen, pred)


def disturb(settings: Any, step: dict[str, Any]) -> bool:
    """Put a step before each ``GetBBoxCenterScale`` in the config of a data set, at any depth.

    Crops are cut anew from the photographs, by the loader's workers: a cache has only what the
    undisturbed boxes need.

    Returns:
        Whether there is such a place.
    """
    if isinstance(settings, list | tuple):
        return bool(sum(disturb(each, step) for each in settings))  # all, not up to the first
    if not isinstance(settings, dict):
        return False
    settings.pop('cache', None)
    steps = list(settings.get('pipeline') or ())
    kinds = [each.get('type') for each in steps]
    for each in steps:
        each.pop('warp', None)
    if 'GetBBoxCenterScale' in kinds:
        place = kinds.index('GetBBoxCenterScale')
        settings['pipeline'] = [*steps[:place], step, *steps[place:]]
        return True
    return disturb([settings.get(key) for key in ('dataset', 'datasets')], step)


def _built(settings: dict[str, Any]) -> Dataset:
    dataset = build_dataset(settings)
    dataset.full_init()
    return dataset


@torch.no_grad()
def _predict(runner: PoseRunner, loader: DataLoader, metric: RowMetric, faces: int) -> list[list]:
    """Predicted points of a loader's faces, of all ranks, in the order of the data."""
    keeper = copy.copy(metric)
    keeper.results = []
    runner.model.eval()
    for batch in loader:
        with autocast(enabled=runner.test_loop.fp16):
            outputs = runner.model.test_step(batch)
        keeper.process(batch, [sample.to_dict() for sample in outputs])
    return [row['pred'] for row in gather_rows(keeper.results, faces)]


def _pass(kind: str, value: float, indices: list[int], pred: list[list]) -> dict[str, Any]:
    return {'kind': kind, 'value': value, 'indices': indices, 'pred': pred}
