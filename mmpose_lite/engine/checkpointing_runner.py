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

from mmpose_lite.utils.collectives import first_says

from .checkpoints import install_checkpoint_reader, load_strictly
from .checkpoints.latest import find_latest
from .checkpoints.pretrained import drop_pretrained, load_fitting
from .checkpoints.rank_state import check_averages, gather_rank_states
from .checkpoints.resumption import Resumption, stored_seed
from .checkpoints.run_state import capture_run, position_of
from .checkpoints.writer import write_checkpoint
from .hooks import BadImageHook, CheckpointHook
from .resumable_loop import ResumableLoop


class CheckpointingRunner(Runner):
    """mmengine's Runner with these differences; arguments are the same.

    - Checkpoints hold tensors and plain data, sealed; see :mod:`.checkpoints`.
    - They are read by :func:`~.checkpoints.read_checkpoint`, and strictly where weights that do
      not fit are a fault: in tests, and when a run goes on.
    - A run goes on at the very iteration, as if it had not been interrupted; see :mod:`.loops`.
      It needs no pretrained weights for that.

    Attributes:
        is_training: Whether this runner trains, rather than validating or testing alone.
    """

    _resume: bool
    _load_from: str | None

    def __init__(self, *args, **kwargs) -> None:
        install_checkpoint_reader()
        self._strict_loading = False
        self.is_training = False
        super().__init__(*args, **kwargs)

    def train(self) -> nn.Module:
        """Train; a run that goes on has its seed before its loaders are built.

        Raises:
            RunStopped: If a signal ended the run; where it was is saved.
        """
        if self._resume:
            self._load_from = self._load_from or self._find_latest()
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
            load_fitting(model, checkpoint, filename)
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
        hook = next((hook for hook in self.hooks if isinstance(hook, CheckpointHook)), None)
        if hook is None:
            hook = CheckpointHook(save_last=False)
            hook.before_train(self)
        return hook.save_position(self)

    def _init_model_weights(self) -> None:
        if self._resume:  # the checkpoint has every tensor
            drop_pretrained(self.model)
        super()._init_model_weights()

    def _find_latest(self) -> str | None:
        """What ``--resume`` goes on from, in all processes alike."""
        path = ''
        if is_main_process():
            hooks = [hook for hook in self.hooks if isinstance(hook, CheckpointHook)]
            is_own = hooks[0].is_own if hooks else CheckpointHook().is_own
            path = find_latest(self.work_dir, self.logger.warning, is_own) or ''
            if not path:
                self.logger.info(f"'{self.work_dir}' has no checkpoint: the run begins anew")
        return first_says(path) or None
