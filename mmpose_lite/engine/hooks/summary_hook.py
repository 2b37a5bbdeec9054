"""The last lines of a training: its best and its last epoch."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmpose_lite.engine.run_log import is_training
from mmpose_lite.registry import HOOKS


@HOOKS.register_module()
class SummaryHook(Hook):
    """Ends the log of a training with all metrics of the best and of the last validation.

    What it needs is in the checkpoints, so a run that goes on reports on the whole of it.
    """

    priority = 'BELOW_NORMAL'

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Remember a validation; where it is the best so far, the checkpoint hook copies it."""
        if is_training(runner):
            unit, number, _ = _progress(runner)
            about = {'when': f'{unit} {number}', 'metrics': dict(metrics or {})}
            runner.message_hub.update_info('last_validation', about)

    def after_train(self, runner: Runner) -> None:
        """Write the lines."""
        info = runner.message_hub.runtime_info
        unit, _, length = _progress(runner)
        hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
        names = getattr(hook, 'key_indicators', ()) if getattr(hook, 'save_best', None) else ()
        for name in names:
            suffix = '' if len(names) == 1 else f'_{name}'
            if f'best_score{suffix}' not in info:
                continue
            # A run of mmengine's that goes on here has no more than the score.
            best = info.get(f'best_validation{suffix}') or {
                'when': unit,
                'metrics': {name: info[f'best_score{suffix}']},
            }
            file = osp.basename(info[f'best_ckpt{suffix}'])
            runner.logger.info(f'best {best["when"]} of {length}, by {name}: {_text(best)}; {file}')
        last = info.get('last_validation')
        if last is not None:
            runner.logger.info(f'last {last["when"]} of {length}: {_text(last)}')


def _progress(runner: Runner) -> tuple[str, int, int]:
    """What is counted, how many are done, and how many there are to be."""
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return 'iteration', runner.iter, runner.max_iters
    return 'epoch', runner.epoch, runner.max_epochs


def _text(validation: Mapping[str, Any]) -> str:
    metrics = validation['metrics'].items()
    return ', '.join(
        f'{name} {value:.6g}' if isinstance(value, float) else f'{name} {value}'
        for name, value in metrics
    )
