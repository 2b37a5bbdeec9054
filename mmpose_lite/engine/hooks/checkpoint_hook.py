"""Saving of checkpoints, so that there is always a sound one to resume from."""

from __future__ import annotations

import math
import os
import os.path as osp
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.runner import Runner

from mmpose_lite.checkpoints.latest import BEST, POINTER
from mmpose_lite.checkpoints.loading import install_checkpoint_reader
from mmpose_lite.checkpoints.reading import read_checkpoint
from mmpose_lite.checkpoints.serialization import make_plain
from mmpose_lite.checkpoints.writing import (
    SaveError,
    point_to,
    publish_checkpoint,
    remove,
    remove_parts,
    remove_replaced,
    set_aside,
    write_text,
)
from mmpose_lite.errors import InputError, first_few
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.collectives import first_decides

from ..run_log import FILE_ONLY
from ..run_state import find_hook, is_training, position_of

_KEPT = 'kept_checkpoints'
_PREEMPTION_NAME = re.compile(r'iter_\d+\.pth')
_PUBLISHED = re.compile(r'(.+)-[0-9a-f]{8}(\.pth)')
# Beside checkpoints, what a training begins anew.
_REPLACED_FILES = (POINTER, 'scalars.csv')
_NAMED = 3  # files that a message names


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """mmengine's hook, with these differences.

    - A checkpoint is written beside its place, flushed, and moved there; see :mod:`.writing`.
    - What it replaces (the oldest one beyond ``max_keep_ckpts``, the best one so far, the one that
      a signal asked for) is removed after the new one has been read back.
    - A metric that is not finite is never the best.
    - ``best.pth`` is another name of the best weights, by the first metric of ``save_best``.
    - What an earlier run has left is moved to ``previous/TIME`` in its folder when a training
      begins there anew, or removed if the config says ``overwrite=True``.

    Raises:
        InputError: If ``backend_args`` or ``file_client_args`` is given: folders are local ones.
    """

    out_dir: Any

    def __init__(self, **kwargs: Any) -> None:
        for key in ('backend_args', 'file_client_args'):
            if kwargs.get(key) is not None:
                raise InputError(
                    f'default_hooks.checkpoint.{key}={kwargs[key]!r}: '
                    'checkpoints are written to local folders only'
                )
        super().__init__(**kwargs)
        self._asked_dir = self.out_dir
        self._kept: list[str] = []

    def before_run(self, runner: Runner) -> None:
        """Install our reader of files in a run of mmengine's own Runner, too."""
        install_checkpoint_reader()

    def folder_of(self, work_dir: str) -> str:
        """The folder of a run's checkpoints: its work dir, or ``out_dir`` and the name of that."""
        if self._asked_dir in (None, work_dir):
            return work_dir
        return osp.join(self._asked_dir, osp.basename(osp.normpath(work_dir)))

    def before_train(self, runner: Runner) -> None:
        """Find the folder and a resumed run's files in it; move files of other runs away."""
        self.out_dir = self.folder_of(runner.work_dir)
        runner.logger.info(f'checkpoints go to {self.out_dir}', extra=FILE_ONLY)
        first_decides(lambda: self._clear_for(runner))
        info = runner.message_hub.runtime_info
        numbers = info.get('keep_ckpt_ids', ())  # of a run of mmengine's
        names = info.get(_KEPT, [self.filename_tmpl.format(number) for number in numbers])
        self._kept = [
            name for name in names if self.is_own(name) and osp.isfile(osp.join(self.out_dir, name))
        ]
        last = osp.basename(info.get('last_ckpt') or '')
        if last in self._kept:
            self.last_ckpt = osp.join(self.out_dir, last)
            self._kept = self._rotate(runner, self._kept)  # the last save may have been cut short
        if is_main_process():
            self._point_to_best(info)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Save the weights of a metric that is the best so far."""
        if is_training(runner):
            self._save_best_checkpoint(runner, metrics or {})

    def after_train(self, runner: Runner) -> None:
        """Publish the last and the best weights, if keys are named for that."""
        if self.published_keys is None or not is_main_process():
            return
        info = runner.message_hub.runtime_info
        best = [path for key, path in info.items() if key.startswith('best_ckpt')]
        last = [self.last_ckpt] if self.save_last and self.last_ckpt else []
        for path in dict.fromkeys([*last, *best]):
            content = read_checkpoint(path)
            content = {key: content[key] for key in content if key in self.published_keys}
            make_plain(content)
            published = publish_checkpoint(content, osp.splitext(path)[0])
            runner.logger.info(f"published '{published}'")

    def _clear_for(self, runner: Runner) -> str:
        """Make room for the files that a run will write; those that it resumes from stay."""
        for folder in dict.fromkeys([self.out_dir, runner.work_dir]):
            for name in remove_parts(folder):
                runner.logger.info(f"removed '{name}', which was never finished")
        is_resumed = self._resumes_here(runner)
        for folder in dict.fromkeys([self.out_dir, runner.work_dir]):
            names = self._foreign_best(folder) if is_resumed else self._left_in(folder)
            if not names:
                continue
            if runner.cfg.get('overwrite') and not is_resumed:
                remove(folder, names)
                done = 'removed (overwrite)'
            else:
                done = f"moved to '{set_aside(folder, names, runner.timestamp)}'"
            runner.logger.warning(
                f"'{folder}' has {len(names)} files of an earlier training "
                f'({first_few(names[::-1], _NAMED)}): {done}'
            )
        return ''

    def _resumes_here(self, runner: Runner) -> bool:
        """Tell whether a run resumes from a checkpoint of the folder that it saves in."""
        if not hasattr(runner, 'resumed_from'):  # mmengine's own, which does not say from where
            return bool(getattr(runner, '_resume', False))
        source = runner.resumed_from
        here = osp.realpath(self.out_dir)
        return source is not None and osp.realpath(osp.dirname(osp.expanduser(source))) == here

    @staticmethod
    def _foreign_best(folder: str) -> list[str]:
        """``best.pth``, if it is no link: somebody's own, or of a disk that knows no links."""
        path = osp.join(folder, BEST)
        return [BEST] if osp.exists(path) and not osp.islink(path) else []

    def _left_in(self, folder: str) -> list[str]:
        """The files that runs have left in a folder; the checkpoint to resume from comes last."""
        names = sorted(os.listdir(folder)) if osp.isdir(folder) else []
        others = [name for name in names if self._is_of_a_run(name) and not self.is_own(name)]
        own = [name for name in names if self.is_own(name)]
        own.sort(key=lambda name: int(re.findall(r'\d+', name)[-1]))
        return [*others, *own]

    def _is_of_a_run(self, name: str) -> bool:
        """Tell whether a name is that of a file that this hook, or a log, would write anew."""
        name = _PUBLISHED.sub(r'\1\2', name)
        is_best = name == BEST or (name.startswith('best_') and name.endswith('.pth'))
        return is_best or name in _REPLACED_FILES or self.is_own(name)

    def is_own(self, name: str) -> bool:
        """Tell whether a name is that of a checkpoint that this hook saves to resume from."""
        return self._is_regular(name) or _PREEMPTION_NAME.fullmatch(name) is not None

    def save_position(self, runner: Runner) -> str:
        """Save where the run is, under a name of its own; the next checkpoint replaces it."""
        if self not in runner.hooks:  # of a config without checkpoints
            self.before_train(runner)
        return self._save(runner, f'iter_{position_of(runner).iter}.pth')

    def _save_checkpoint(self, runner: Runner) -> None:
        position = position_of(runner, self.by_epoch)
        number = position.epoch if self.by_epoch else position.iter
        self._save(runner, self.filename_tmpl.format(number))

    def _save(self, runner: Runner, name: str) -> str:
        """Save a checkpoint, then remove those that it replaces."""
        names = [*(each for each in self._kept if each != name), name]
        path = osp.join(self.out_dir, name)
        runner.message_hub.update_info(_KEPT, names)
        runner.message_hub.update_info('last_ckpt', path)
        self.last_ckpt = path
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
        )
        self._kept = self._rotate(runner, names)
        return path

    def _rotate(self, runner: Runner, names: list[str]) -> list[str]:
        """Point to the last checkpoint, remove those that it replaces; return the names left."""
        if not is_main_process():
            return names
        write_text(self.last_ckpt, osp.join(runner.work_dir, POINTER))
        return [each for each in names if not self._remove_if_due(runner, each, names)]

    def _remove_if_due(self, runner: Runner, name: str, names: list[str]) -> bool:
        """Remove a checkpoint that is no longer needed; if that fails, it is tried again later."""
        regular = [each for each in names if self._is_regular(each)]
        surplus = regular[: -self.max_keep_ckpts] if self.max_keep_ckpts > 0 else []
        if name == names[-1] or (self._is_regular(name) and name not in surplus):
            return False
        return self._remove(runner, name, self.last_ckpt)

    def _remove(self, runner: Runner, name: str, successor: str) -> bool:
        try:
            remove_replaced(osp.join(self.out_dir, name), successor)
        except SaveError as error:
            runner.logger.warning(str(error))
            return False
        return True

    def _is_regular(self, name: str) -> bool:
        """Tell whether a name is of the template, not of a run that a signal ended."""
        before, _, after = map(re.escape, self.filename_tmpl.partition('{}'))
        return re.fullmatch(rf'{before}\d+{after}', name) is not None

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        if not self.save_best:
            return
        if 'auto' in self.key_indicators and metrics:
            self._init_rule(self.rules, [next(iter(metrics))])
        is_new = False
        for key in self.key_indicators:
            is_new |= self._save_if_best(runner, key, metrics.get(key))
        # The last checkpoint must know which file is the best, and its score.
        if is_new and self.last_ckpt is not None:
            number = runner.epoch if self.by_epoch else runner.iter
            self._save(runner, self.filename_tmpl.format(number))

    def _save_if_best(self, runner: Runner, key: str, score: float | None) -> bool:
        """Save the weights if a metric is the best so far; return True if so."""
        if score is None or not math.isfinite(score):
            runner.logger.warning(f'{key} is {score}: it cannot be the best')
            return False
        suffix = _suffix(self, key)
        info = runner.message_hub.runtime_info
        best = info.get(f'best_score{suffix}')
        if best is not None and not self.is_better_than[key](score, best):
            return False
        before = osp.basename(info.get(f'best_ckpt{suffix}') or '')
        number = runner.epoch if self.by_epoch else runner.iter
        name = f'best_{key}_{self.filename_tmpl.format(number)}'.replace('/', '_')
        path = osp.join(self.out_dir, name)
        runner.message_hub.update_info(f'best_score{suffix}', score)
        runner.message_hub.update_info(f'best_ckpt{suffix}', path)
        runner.message_hub.update_info(f'best_validation{suffix}', info.get('last_validation'))
        runner.save_checkpoint(self.out_dir, name, save_optimizer=False, save_param_scheduler=False)
        if is_main_process():
            self._point_to_best(info)
            if before and not self._remove(runner, before, path):
                self._kept.insert(0, before)  # it goes with the next checkpoint
        unit = 'epochs' if self.by_epoch else 'iterations'
        runner.logger.info(
            f'the best {key} so far, {score:.4f} after {number} {unit}: {name}', extra=FILE_ONLY
        )
        return True

    def _point_to_best(self, info: dict[str, Any]) -> None:
        """Point ``best.pth`` to the best weights, by the first metric, where there are any."""
        if not self.save_best:
            return
        name = osp.basename(info.get(f'best_ckpt{_suffix(self, self.key_indicators[0])}') or '')
        path, link = osp.join(self.out_dir, name), osp.join(self.out_dir, BEST)
        is_there = name and osp.isfile(path)
        if is_there and not (osp.exists(link) and osp.samefile(path, link)):
            point_to(path, link)


class BestValidation(NamedTuple):
    """The best validation so far, by one metric.

    Attributes:
        name: The metric.
        score: Its number.
        when: ``'epoch 3'``; None if mmengine's own run is resumed, which keeps the score alone.
        metrics: All numbers of the validation.
        file: The name of the checkpoint.
    """

    name: str
    score: float
    when: str | None
    metrics: Mapping[str, Any]
    file: str


def best_validations(runner: Runner) -> Iterator[BestValidation]:
    """Yield the best validation so far by each metric that a run saves its best weights by."""
    info, hook = runner.message_hub.runtime_info, find_hook(runner, _CheckpointHook)
    names = hook.key_indicators if hook is not None and hook.save_best else ()
    for name in names:
        suffix = _suffix(hook, name)
        score = info.get(f'best_score{suffix}')
        if score is not None:
            about = info.get(f'best_validation{suffix}') or {}
            metrics, file = about.get('metrics', {name: score}), info[f'best_ckpt{suffix}']
            yield BestValidation(name, score, about.get('when'), metrics, osp.basename(file))


def _suffix(hook: _CheckpointHook, metric: str) -> str:
    """The ending of mmengine's names of a metric's best score and file."""
    return '' if len(hook.key_indicators) == 1 else f'_{metric}'
