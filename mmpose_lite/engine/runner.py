"""Runs: training, validating and testing, from a config to checkpoints."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import EMAHook
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmpose_lite.checkpoints import install_checkpoint_reader, load_strictly, make_plain
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.checkpoints.loading import about_input_size, drop_pretrained, load_matching
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.datasets.collate import explaining_workers
from mmpose_lite.errors import InputError
from mmpose_lite.models.utils.fold_norms import fold_norms
from mmpose_lite.registry import RUNNERS, SCOPE
from mmpose_lite.utils.collectives import first_decides
from mmpose_lite.utils.config_text import ReadableConfig
from mmpose_lite.utils.config_utils import about_keys, adopt_config, check_keys, check_numbers
from mmpose_lite.utils.input_size import set_input_size
from mmpose_lite.utils.paths import check_folder, packaged_weights
from mmpose_lite.utils.tensor_utils import unwrap_model

from .base_runner import BaseRunner, close_files
from .config_rewrites import rewrite_config
from .hooks import BadImageHook, CheckpointHook, ScreenHook
from .memory import explain_no_memory
from .point_checks import check_order
from .preemption import end_workers
from .preflight import check_evaluation
from .resumption import Resumption, stored_seed
from .run_log import FILE_ONLY
from .run_state import capture_run, check_averages, find_hook, gather_rank_states, position_of
from .work_dir import holding, near_runs


@RUNNERS.register_module()
class PoseRunner(BaseRunner):
    """Trains, validates and tests; mmengine's Runner with these differences, and its arguments.

    - Parts are built for the machine, by its base :class:`.BaseRunner`; how a run trains, tests,
      loads and saves is here.
    - Settings that disagree (numbers of points, ``save_best``) are an error before the first
      iteration.
    - No iteration waits for the device, unless ``max_nonfinite_losses`` lets losses be skipped:
      logs and checkpoints read what they need.
    - Checkpoints hold tensors and plain data, and end with a checksum; see
      :mod:`mmpose_lite.checkpoints`. Weights that do not fit are an error in tests and when a run
      resumes.
    - A run resumes at the exact iteration, as if it had not been interrupted; see :mod:`.loops`. It
      needs no pretrained weights for that. ``resume='latest'`` requires a checkpoint; with
      ``resume=True`` a run starts anew if there is none. ``load_from`` may be a folder.
    - A training has its folders to itself; see :func:`.holding`.
    - Logs have images/s, the error on training crops and the loss of validations, and end with
      the best and the last epoch; see :mod:`.training_log`.

    Attributes:
        is_training: Whether this runner trains, rather than only validating or testing.
        resumed_from: The checkpoint that this training resumed from, or None.
        rewritten_cfg: The config that runs: ``cfg`` after the rewrites of :meth:`from_cfg`.
    """

    _resume: Any
    _load_from: str | None

    @classmethod
    def from_cfg(cls, cfg: Config, model: nn.Module | None = None) -> PoseRunner:
        """Build a runner from a config, with a model in place of its own if one is given.

        A config that says ``mmpose`` means this package. Targets are made by the head if possible,
        and crops on the device if the config says so, see :func:`.rewrite_config`. The log has each
        rewrite, while the run keeps and dumps the config as it was written. ``input_size`` is
        written to all places that have a size.

        Most configs come from :func:`~mmpose_lite.apis.load_config`, which prepares those of any
        command in the same way: a second time changes nothing. It is done here, too, since a
        program may have changed the config since, or have read it with mmengine.

        Raises:
            InputError: If a key looks like a slip for one that is read, a number is none or too
                small, or ``input_size`` does not suit the network.
        """
        written = ReadableConfig.of(adopt_config(cfg, SCOPE))
        check_keys(written)
        check_numbers(written)
        resized = set_input_size(written)
        rewritten, rewrites = rewrite_config(written)

        # mmengine's from_cfg calls cls(cfg=..., ...): the parts are those of the rewritten config,
        # and the runner keeps the written one as its cfg.
        def build(cfg: Config, **parts: Any) -> PoseRunner:
            if model is not None:  # it has its weights
                parts |= {'model': model, 'load_from': None}
            return cls(cfg=written, **parts)

        runner = Runner.from_cfg.__func__(build, rewritten)  # type: ignore[attr-defined]
        runner.rewritten_cfg = rewritten
        augment = rewritten.get('augment_on_device')
        if augment in ('auto', 'resident'):
            runner.register_hook({'type': 'ResidentCropsHook', 'mode': augment})
        for sentence in filter(None, (resized, *rewrites)):
            runner._tell_rewrite(sentence)
        for sentence in about_keys(written):
            runner.logger.warning(sentence)
        return runner

    def __init__(self, model: nn.Module | dict, work_dir: str, *args, **kwargs) -> None:
        check_folder(work_dir)
        install_checkpoint_reader()
        self._strict_loading = False
        self._is_built = isinstance(model, dict)
        self.is_training = False
        self.resumed_from: str | None = None
        super().__init__(model, work_dir, *args, **kwargs)
        self.rewritten_cfg = self.cfg

    @explaining_workers()
    def train(self) -> nn.Module:
        """Train. When resuming, the seed of the checkpoint is set before the loaders are built.

        Raises:
            RunStopped: If a signal ended the run; where it was is saved.
            InputError: If another training has the folder, or there is nothing to resume from
                where there must be.
        """
        with holding(self.work_dir, self.checkpoint_hook.folder_of(self.work_dir)):
            if self._resume:
                self._load_from = first_decides(self._find_resumed) or None
                self._resume = self._load_from is not None
            if self._load_from and self._resume and self._randomness_cfg.get('seed') is None:
                checkpoint = CheckpointLoader.load_checkpoint(self._load_from, 'cpu')
                self._randomness_cfg.update(seed=stored_seed(checkpoint, self._load_from))
                self.set_randomness(**self._randomness_cfg)
            self.is_training = True
            # The checkpoint hook comes after those whose state it saves, so that all states are of
            # one moment; the screen comes last and shows the result of all.
            last = (CheckpointHook, ScreenHook)
            self._hooks.sort(
                key=lambda hook: [isinstance(hook, last), isinstance(hook, ScreenHook)]
            )
            with self._ending():
                return super().train()

    @explaining_workers()
    def val(self) -> dict[str, float]:
        """Validate; weights must fit."""
        return self._evaluate('val')

    @explaining_workers()
    def test(self, fold: bool = False) -> dict[str, float]:
        """Test; weights must fit.

        Args:
            fold: Fold batch norms into convolutions, for a model that is not used after the test.
                With ``compile`` or a hook derived from EMAHook, which hold on to the weights, norms
                stay.
        """
        return self._evaluate('test', fold)

    def _evaluate(self, role: str, fold: bool = False) -> dict[str, float]:
        """Validate or test by itself: build the loop, load the weights, check both, run."""
        if getattr(self, f'_{role}_loop') is None:
            raise InputError(f'{role}_dataloader, {role}_cfg and {role}_evaluator are not set')
        self._strict_loading = True
        if fold and not self.is_training:
            # Its averages would be the weights that are loaded, for which it exchanges them.
            self._hooks = [hook for hook in self._hooks if type(hook) is not EMAHook]
        self._maybe_compile(f'{role}_step')
        loop = self.val_loop if role == 'val' else self.test_loop
        self.call_hook('before_run')
        self.load_or_resume()
        if self._is_built and not (self._has_loaded or self.is_training):
            self.logger.warning(
                f'load_from names no checkpoint: the {role} is of the weights that the model was '
                'built with'
            )
        check_evaluation(self, f'{role}_dataloader', loop)
        if fold and find_hook(self, EMAHook) is None and not self.cfg.get('compile'):
            count = fold_norms(unwrap_model(self.model).eval())
            self.logger.info(
                f'{count} batch norms are folded into convolutions for this test', extra=FILE_ONLY
            )
        self.log_hooks()
        with self._ending():
            try:
                metrics = loop.run()
            except (MemoryError, RuntimeError) as error:
                explain_no_memory(error, role, loop.dataloader)
                raise
            self.call_hook('after_run')
            return metrics

    def log_hooks(self) -> None:
        """Log the hooks in the order in which they act, once all are registered."""
        self.logger.info(f'Hooks, in their order:\n{self.get_hooks_info()}', extra=FILE_ONLY)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Leave the terminal as it was, the files of the log closed, and no worker of a loader."""
        try:
            yield
        finally:
            screen = find_hook(self, ScreenHook)
            if screen is not None:
                screen.close()
            # The properties without an underscore would build those that have not run.
            for loop in (self._train_loop, self._val_loop, self._test_loop):
                end_workers(getattr(loop, 'dataloader', None))
        close_files(self.logger)

    @cached_property
    def checkpoint_hook(self) -> CheckpointHook:
        """The hook that saves; without one in the config, one that saves only when stopped."""
        return find_hook(self, CheckpointHook) or CheckpointHook(save_last=False)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool | None = None,
        revise_keys: list | None = None,
    ) -> dict[str, Any]:
        """Load weights; see mmengine. A prefix ``module.`` and old names are converted by default.

        With ``strict``, the default in tests and when a run resumes, every tensor must fit.
        Otherwise those that fit are loaded, and there must be some.

        Raises:
            InputError: If the weights do not fit.
        """
        if strict is None:
            strict = self._strict_loading or self._resume
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location)
        if self._resume:
            check_averages(self, checkpoint, filename)
        check_order(self, checkpoint, filename, is_start=not strict)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load = load_strictly if strict else load_matching
        try:
            load(unwrap_model(self.model), checkpoint, filename)
        except InputError as error:
            if not self._strict_loading or filename not in packaged_weights():
                raise
            raise InputError(
                f"{error}; '{filename}' are weights to start from: in a test load_from must name a "
                'checkpoint of this config'
            ) from None
        if sentence := about_input_size(unwrap_model(self.model), checkpoint, filename):
            # Weights to start from may be of another input size; in a test or a resumed run that is
            # worth a warning.
            (self.logger.warning if strict else self.logger.info)(sentence)
        self._has_loaded = True
        return checkpoint

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'cpu',
    ) -> None:
        """Resume from a checkpoint at the exact iteration; see :class:`.Resumption`."""
        self.resumed_from = filename
        checkpoint = self.load_checkpoint(filename, map_location)
        parts = {'optimizer': resume_optimizer, 'schedulers': resume_param_scheduler}
        Resumption(self, checkpoint, filename, **parts).run()

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

        The arguments are mmengine's: ``save_optimizer`` includes all that resuming needs. Those for
        file clients are not used, since folders are local, nor is ``by_epoch``, since the loop
        knows its position.

        Raises:
            SaveError: If it cannot be written.
        """
        self.train_loop.settle()
        if hook := find_hook(self, BadImageHook):
            hook.keep(self)
        ranks = gather_rank_states(self) if save_optimizer else []
        if not is_main_process():
            return
        checkpoint = capture_run(
            self, position_of(self), optimizer=save_optimizer, schedulers=save_param_scheduler
        )
        checkpoint['meta'].update(meta or {})
        if save_optimizer:
            checkpoint['ranks'] = ranks
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        make_plain(checkpoint)  # whatever hooks have put in
        write_checkpoint(checkpoint, osp.join(out_dir, filename), resumable=save_optimizer)

    def _init_model_weights(self) -> None:
        if self._resume:  # the checkpoint has every tensor
            drop_pretrained(self.model)
        super()._init_model_weights()

    def _find_resumed(self) -> str:
        """Find the checkpoint to resume from; an empty string if the run starts anew."""
        if self._load_from and not osp.isdir(self._load_from):
            return self._load_from
        hook = self.checkpoint_hook
        folder = self._load_from or hook.folder_of(self.work_dir)
        path = find_latest(folder, self.logger.warning, hook.is_own)
        if path is not None:
            return path
        problem = f"--resume: '{folder}' has no checkpoint to resume from"
        near = ', '.join(f"'{each}'" for each in near_runs(folder, hook.is_own))
        others = f'; there are some in {near}' if near else ''
        if self._load_from or self._resume == 'latest':
            raise InputError(f'{problem}{others}')
        self.logger.warning(f'{problem}: THE RUN BEGINS ANEW{others}')
        return ''
