"""mmengine's Runner with checkpoints that nothing is lost by: how it saves, loads and goes on."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable
from typing import Any

from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmpose_lite.checkpoints import install_checkpoint_reader, load_strictly
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.checkpoints.loading import drop_pretrained, load_matching
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.utils import InputError
from mmpose_lite.utils.collectives import first_decides
from mmpose_lite.utils.paths import check_folder

from .hooks import BadImageHook, CheckpointHook
from .resumable_loop import ResumableLoop
from .resumption import Resumption, stored_seed
from .run_state import capture_run, check_averages, gather_rank_states, position_of
from .work_dir import holding, near_runs


class CheckpointingRunner(Runner):
    """mmengine's Runner with these differences; arguments are the same.

    - Checkpoints hold tensors and plain data, and end with a checksum; see :mod:`.checkpoints`.
    - They are read by :func:`~.checkpoints.read_checkpoint`, and strictly where weights that do
      not fit are a fault: in tests, and when a run goes on.
    - A run goes on at the very iteration, as if it had not been interrupted; see :mod:`.loops`.
      It needs no pretrained weights for that. ``resume='latest'`` insists on a checkpoint, with
      ``resume=True`` a run begins anew where there is none; ``load_from`` may be a folder.
    - A training has its folders to itself; see :func:`.holding`.

    Attributes:
        is_training: Whether this runner trains, rather than validating or testing alone.
        resumed_from: The checkpoint that this training goes on from, if it does.
    """

    _resume: Any
    _load_from: str | None

    def __init__(self, model: nn.Module | dict, work_dir: str, *args, **kwargs) -> None:
        check_folder(work_dir)
        install_checkpoint_reader()
        self._strict_loading = False
        self.is_training = False
        self.resumed_from: str | None = None
        super().__init__(model, work_dir, *args, **kwargs)

    def train(self) -> nn.Module:
        """Train; a run that goes on has its seed before its loaders are built.

        Raises:
            RunStopped: If a signal ended the run; where it was is saved.
            InputError: If another training has the folder, or there is nothing to go on from
                where there must be.
        """
        with holding(self.work_dir, self._checkpoint_hook().folder_of(self.work_dir)):
            return self._train()

    def _train(self) -> nn.Module:
        if self._resume:
            self._load_from = first_decides(self._find_resumed) or None
            self._resume = self._load_from is not None
        if self._load_from and self._resume and self._randomness_cfg.get('seed') is None:
            checkpoint = CheckpointLoader.load_checkpoint(self._load_from, 'cpu')
            self._randomness_cfg.update(seed=stored_seed(checkpoint, self._load_from))
            self.set_randomness(**self._randomness_cfg)
        self.is_training = True
        # What a checkpoint holds of other hooks is then of after the same moment.
        self._hooks.sort(key=lambda hook: isinstance(hook, CheckpointHook))
        return super().train()

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool | None = None,
        revise_keys: list | None = None,
    ) -> dict[str, Any]:
        """Load weights.

        Args:
            filename: The file, or its address.
            map_location: See :func:`torch.load`.
            strict: Whether every tensor must fit; by default when testing and when a run goes on.
                Else those that fit are taken, and there must be some.
            revise_keys: Not used: ``module.`` is taken off, old names are renewed.

        Returns:
            The content of the file.

        Raises:
            InputError: If the weights do not fit.
        """
        if strict is None:
            strict = self._strict_loading or self._resume
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location)
        if self._resume:
            check_averages(self, checkpoint, filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        if strict:
            load_strictly(model, checkpoint, filename)
        else:
            load_matching(model, checkpoint, filename)
        self._has_loaded = True
        return checkpoint

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'cpu',
    ) -> None:
        """Go on from a checkpoint, at the very iteration; see :class:`.Resumption`."""
        self.resumed_from = filename
        checkpoint = self.load_checkpoint(filename, map_location)
        Resumption(
            self,
            checkpoint,
            filename,
            optimizer=resume_optimizer,
            schedulers=resume_param_scheduler,
        ).run()

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Save a checkpoint; all processes call this, the first one writes.

        Args:
            out_dir: The folder.
            filename: The name in it.
            file_client_args: Not used: checkpoints are written to local folders.
            save_optimizer: Whether a run can go on from it.
            save_param_scheduler: Whether the schedulers' states go in.
            meta: Further entries of ``meta``.
            by_epoch: Whether this is the end of an epoch, for loops of others.
            backend_args: Not used.

        Raises:
            SaveError: If it cannot be written.
        """
        if isinstance(self.train_loop, ResumableLoop):
            self.train_loop.settle()
        for hook in self.hooks:
            if isinstance(hook, BadImageHook):
                hook.keep(self)
        ranks = gather_rank_states(self) if save_optimizer else []
        if not is_main_process():
            return
        position = position_of(self, by_epoch)
        checkpoint = capture_run(
            self, position, optimizer=save_optimizer, schedulers=save_param_scheduler
        )
        checkpoint['meta'].update(meta or {})
        if save_optimizer:
            checkpoint['ranks'] = ranks
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        write_checkpoint(checkpoint, osp.join(out_dir, filename), resumable=save_optimizer)

    def save_position(self) -> str:
        """Save where the run is, by its checkpoint hook; returns the file."""
        hook = self._checkpoint_hook()
        if hook not in self.hooks:
            hook.before_train(self)
        return hook.save_position(self)

    def _checkpoint_hook(self) -> CheckpointHook:
        """The hook that saves; one that only saves positions where the config has none."""
        hooks = [hook for hook in self.hooks if isinstance(hook, CheckpointHook)]
        return hooks[0] if hooks else CheckpointHook(save_last=False)

    def _init_model_weights(self) -> None:
        if self._resume:  # the checkpoint has every tensor
            drop_pretrained(self.model)
        super()._init_model_weights()

    def _find_resumed(self) -> str:
        """Find the checkpoint to resume from; an empty text if the run begins anew.

        Raises:
            InputError: If there is nothing, where a folder was named or ``resume='latest'``.
        """
        if self._load_from and not osp.isdir(self._load_from):
            return self._load_from
        hook = self._checkpoint_hook()
        folder = self._load_from or hook.folder_of(self.work_dir)
        path = find_latest(folder, self.logger.warning, hook.is_own)
        if path is not None:
            return path
        problem = f"--resume: '{folder}' has no checkpoint to go on from"
        near = ', '.join(f"'{each}'" for each in near_runs(folder, hook.is_own))
        others = f'; there are some in {near}' if near else ''
        if self._load_from or self._resume == 'latest':
            raise InputError(f'{problem}{others}')
        self.logger.warning(f'{problem}: THE RUN BEGINS ANEW{others}')
        return ''
