"""Robustness: predictions with the other flip test and perturbed boxes, and their errors."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.runner.amp import autocast
from numpy import ndarray
from torch.utils.data import DataLoader, Subset

from mmpose_lite.datasets import build_dataset
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import RowMetric
from mmpose_lite.evaluation.metrics.row_metric import gather_rows
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.tensor_utils import unwrap_model

from .run import Run
from .run_errors import Errors
from .schema import BOX_ERRORS, BoxErrorRow, BoxErrors, FlipTest, Further, Pass

AMOUNTS = (0.05, 0.1, 0.2)
_SEED = 0  # of the faces that are drawn, and of the directions that their boxes move in


def predict_further(runner: Any, metric: RowMetric, faces: int) -> Further:
    """Predict again after a test; all processes of a run call this together.

    Args:
        runner: The runner of the test, whose model has its weights loaded and norms folded.
        metric: A metric of the test; not changed.
        faces: Number of faces, drawn from the set, to perturb the boxes of. The other flip test is
            over all faces. 0: no further passes.
    """
    if not faces:
        return Further(_SEED)
    total = len(metric.rows)
    drawn = np.random.default_rng(_SEED).choice(total, min(total, faces), replace=False)
    perturbed = _predict_perturbed(runner, metric, np.sort(drawn).tolist())
    return Further(_SEED, (*_predict_other_flip_test(runner, metric), *perturbed))


def _predict_other_flip_test(runner: Any, metric: RowMetric) -> Iterable[Pass]:
    """Predict all faces with the flip test switched; not on for points without mirror points."""
    model = unwrap_model(runner.model)
    settings = model.test_cfg
    is_on = not settings.get('flip_test', False)
    if getattr(model, 'has_fixed_flip_test', False):
        return
    if is_on and not (metric.dataset_meta or {}).get('flip_pairs'):
        return
    runner.logger.info(f'report: all faces {"with" if is_on else "without"} flip test')
    model.test_cfg = {**settings, 'flip_test': is_on}
    try:
        pred = _predict(runner, runner.test_dataloader, metric, len(metric.rows))
    finally:
        model.test_cfg = settings
    yield Pass('flip_test', int(is_on), list(range(len(pred))), pred)


def _predict_perturbed(runner: Any, metric: RowMetric, chosen: list[int]) -> Iterable[Pass]:
    """Predict some faces with boxes that are moved, larger and smaller."""
    for kind, amount in ((kind, amount) for kind in BOX_ERRORS for amount in AMOUNTS):
        step = {'type': 'DisturbBox', 'kind': kind, 'amount': amount, 'seed': _SEED}
        settings = copy.deepcopy(runner.rewritten_cfg.test_dataloader)
        if not insert_step(settings.dataset, step):
            runner.logger.warning(
                'report: no pipeline has GetBBoxCenterScale, boxes are not perturbed'
            )
            return
        runner.logger.info(f'report: boxes {kind} by {amount:.0%}, {len(chosen)} faces')
        dataset: Any = build_dataset(settings.dataset)
        dataset.full_init()
        settings.dataset = Subset(dataset, chosen)
        settings.persistent_workers = False
        loader = runner.build_dataloader(settings, seed=runner.seed)
        yield Pass(kind, amount, chosen, _predict(runner, loader, metric, len(chosen)))


def predict_in_boxes(
    runner: Any, metric: RowMetric, boxes: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    """Predict all faces of a test again in other boxes; return the rows of the metric.

    Args:
        runner: The runner of the test; all its processes call this together.
        metric: A metric of the test; not changed.
        boxes: See :class:`ReplaceBox`.

    Raises:
        InputError: If no pipeline of the test cuts crops by boxes.
    """
    settings = copy.deepcopy(runner.rewritten_cfg.test_dataloader)
    if not insert_step(settings.dataset, {'type': 'ReplaceBox', 'boxes': dict(boxes)}):
        raise InputError('test_dataloader.dataset.pipeline has no GetBBoxCenterScale')
    loader = runner.build_dataloader(settings, seed=runner.seed)
    return _predict_rows(runner, loader, metric, len(metric.rows))


def insert_step(settings: Any, step: dict[str, Any]) -> bool:
    """Insert a step before each ``GetBBoxCenterScale`` in a data set's config, at any depth.

    Crops are then cut from the photographs by the loader's workers: a cache holds only the crops of
    annotated boxes. Returns True if there was such a place.
    """
    found = False
    for _, (*_, dataset) in walk_datasets(settings):
        dataset.pop('cache', None)
        steps = list(dataset.get('pipeline') or ())
        kinds = [each.get('type') for each in steps]
        for each in steps:
            each.pop('warp', None)
        if 'GetBBoxCenterScale' in kinds:
            steps.insert(kinds.index('GetBBoxCenterScale'), step)
            dataset['pipeline'] = steps
            found = True
    return found


def _predict(runner: Any, loader: DataLoader, metric: RowMetric, faces: int) -> ndarray:
    """Predict the points ``(faces, K, 2)`` of a loader, of all ranks, in the data's order."""
    return np.array([row['pred'] for row in _predict_rows(runner, loader, metric, faces)])


@torch.no_grad()
def _predict_rows(
    runner: Any, loader: DataLoader, metric: RowMetric, faces: int
) -> list[dict[str, Any]]:
    keeper = copy.copy(metric)
    keeper.results = []
    runner.model.eval()
    for batch in loader:
        with autocast(enabled=runner.test_loop.fp16):
            outputs = runner.model.test_step(batch)
        keeper.process(batch, [sample.to_dict() for sample in outputs])
    return gather_rows(keeper.results, faces)


def measure_flip_test(run: Run, sizes: ndarray, subsets: dict[str, ndarray]) -> FlipTest | None:
    """Compute pooled errors with and without flip test by subset; None without a further pass.

    The run's own predictions are one of the two. Sizes ``(N,)`` are normalisers.
    """
    own = run.provenance.get('flip_test')
    other = next((each for each in run.passes if each.kind == 'flip_test'), None)
    if own is None or other is None or bool(other.value) == own:
        return None
    table = run.table.take(other.indices)
    groups = {name: faces[other.indices] for name, faces in subsets.items()}
    mine, theirs = (
        Errors.of(replace(table, pred=pred), sizes[other.indices])
        for pred in (table.pred, other.pred)
    )
    on, off = (mine, theirs) if own else (theirs, mine)
    return {
        'on': {name: on.among(faces[:, None]).pooled() for name, faces in groups.items()},
        'off': {name: off.among(faces[:, None]).pooled() for name, faces in groups.items()},
        'faces': {name: int((mine.faces & faces).sum()) for name, faces in groups.items()},
    }


def measure_box_errors(run: Run, sizes: ndarray) -> BoxErrors | None:
    """Compute pooled errors with perturbed boxes, normalised by the annotated ones."""
    passes = [each for each in run.passes if each.kind in BOX_ERRORS]
    if not passes:
        return None
    table, sizes = run.table.take(passes[0].indices), sizes[passes[0].indices]
    undisturbed = Errors.of(table, sizes)
    rows: list[BoxErrorRow] = []
    for each in sorted(passes, key=lambda one: (BOX_ERRORS.index(one.kind), one.value)):
        errors = Errors.of(replace(table, pred=each.pred), sizes)
        rows.append({'kind': each.kind, 'amount': float(each.value), **errors.average()})
    return {
        'faces': int(undisturbed.faces.sum()),
        'seed': run.seed,
        'undisturbed': undisturbed.pooled(),
        'rows': rows,
    }
