"""Training and testing from a config, and trying either on one batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.base_runner import close_files
from mmpose_lite.engine.distributed import join_processes
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.engine.run_head import describe_run
from mmpose_lite.engine.work_dir import holding
from mmpose_lite.errors import InputError
from mmpose_lite.registry import RUNNERS, explaining_builds


def build_runner(cfg: Config, model: BaseModel | None = None) -> PoseRunner:
    """Build the runner that a config asks for; :class:`PoseRunner` by default.

    Raises:
        InputError: If it is another one, and a model is given in place of the config's.
    """
    if 'runner_type' not in cfg:
        return PoseRunner.from_cfg(cfg, model)
    if model is not None:
        raise InputError(f'runner_type={cfg.runner_type!r} tests checkpoints, not exported files')
    return RUNNERS.build(cfg)


@explaining_builds()
def train(cfg: Config) -> PoseRunner:
    """Train a model from a config; return the runner, which has the trained model.

    Raises:
        InputError: If another training uses the work dir; nothing is written there then.
    """
    # The runner joins processes and locks its folder too, for callers that build it themselves.
    # Here both come before it is built, since building it writes to the folder.
    join_processes(cfg.get('launcher', 'none'), cfg.get('env_cfg', {}))
    with holding(cfg.work_dir):
        runner = build_runner(cfg)
        runner.train()
    return runner


@explaining_builds()
def test(
    cfg: Config,
    model: BaseModel | None = None,  # noqa: PT028 (no test of pytest)
) -> tuple[PoseRunner, dict[str, float]]:
    """Test the checkpoint ``cfg.load_from``.

    Args:
        cfg: The config.
        model: A model to test in place of the config's and its checkpoint, such as an
            :class:`.ExportedEstimator`, whose config is then used.

    Returns:
        The runner, whose metrics hold one row per face, and the numbers by name.
    """
    runner = build_runner(cfg, model)
    # Another `runner_type` may know no folding.
    options = {'fold': True} if isinstance(runner, PoseRunner) else {}
    return runner, runner.test(**options)


def _tell(line: str) -> None:
    if is_main_process():
        print(line, flush=True)


@explaining_builds()
def dry_run(
    cfg: Config,
    role: str = 'train',
    model: BaseModel | None = None,
    tell: Callable[[str], Any] = _tell,
) -> None:
    """Build a training or a test, run one batch of it, and leave no file.

    A training takes one step, and validates one batch if it validates at all; a test predicts one
    batch of the checkpoint ``cfg.load_from``. Crop caches, which other runs use too, are built.

    Args:
        cfg: The config, as for :func:`train` or :func:`test`.
        role: ``'train'`` or ``'test'``.
        model: See :func:`test`.
        tell: Is called with each line of the head of the run (see :func:`.describe_run`) and
            about each batch, as soon as it is known; by default the first process prints them.
    """

    def begin() -> None:
        failed = _build_test(runner) if role == 'train' else None
        for line in describe_run(runner, cfg.work_dir):
            tell(line)
        if failed is not None:
            tell(f'dry run: a later test would fail: {failed}')

    with TemporaryDirectory(prefix='mmpose_lite-', ignore_cleanup_errors=True) as folder:
        runner = build_runner(_without_files(cfg, folder, is_training=role == 'train'), model)
        probe = _FirstBatch(begin)
        runner.register_hook(probe)
        if role == 'train':
            _try_training(runner, probe, tell)
        else:
            probe.ends(runner.test)
            tell(probe.about())
        close_files(runner.logger)
    tell('dry run: nothing was written to the work dir')


def _try_training(runner: Runner, probe: _FirstBatch, tell: Callable[[str], Any]) -> None:
    if not probe.ends(runner.train):
        probe.begin()
        tell('dry run: the training is over, and no step is left')
        return
    if isinstance(runner, PoseRunner):
        runner.train_loop.settle()  # a loss that is not finite is an error
    tell(probe.about())
    if probe.mode == 'train' and runner.val_loop is not None and probe.ends(runner.val_loop.run):
        tell(probe.about())


def _build_test(runner: Runner) -> InputError | None:
    """Build the test that may follow a training; return what it fails for."""
    if runner.cfg.get('test_dataloader'):
        try:
            _ = runner.test_loop
        except InputError as error:
            return error
    return None


# Settings of a CheckpointHook that say where its files are.
_OF_FILES = ('by_epoch', 'filename_tmpl', 'out_dir')


class _Ended(Exception):
    """The first batch is done."""


class _FirstBatch(Hook):
    """Ends a loop after its first batch, before any other hook looks at that."""

    priority = 'HIGHEST'

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin: Callable[[], None] | None = begin
        self._begun = self._seconds = 0.0
        self._faces = 0
        self._loss: Any = None
        self.mode = ''

    def begin(self) -> None:
        """Say what was built, once."""
        if self._begin is not None:
            self._begin()
            self._begin = None

    def ends(self, loop: Callable[[], Any]) -> bool:
        """Run a loop up to its first batch; False if it has none left."""
        try:
            loop()
        except _Ended:
            return True
        return False

    def about(self) -> str:
        """Describe the batch."""
        loss = '' if self._loss is None else f', loss {self._loss:.6g}'
        what = {'train': 'a step on', 'val': 'validation of', 'test': 'a test of'}[self.mode]
        return f'dry run: {what} {self._faces} faces{loss}, {self._seconds:.2f} s'

    def _before_iter(self, *args: Any, **kwargs: Any) -> None:
        self.begin()
        self._begun = time.monotonic()

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
        mode: str = 'train',
    ) -> None:
        self.mode = mode
        is_loss = isinstance(outputs, dict) and 'loss' in outputs
        # As a number: waits for the device.
        self._loss = float(outputs['loss'].detach()) if is_loss else None
        self._seconds = time.monotonic() - self._begun
        self._faces = len(data_batch['data_samples']) if isinstance(data_batch, dict) else 0
        raise _Ended


def _without_files(cfg: Config, folder: str, is_training: bool) -> Config:
    """Make a config that writes to a folder alone, and resumes from what the given one would.

    Raises:
        InputError: If it must resume from a checkpoint, and there is none.
    """
    cfg = deepcopy(cfg)
    settings = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    hook = CheckpointHook(**{key: settings[key] for key in _OF_FILES if key in settings})
    if is_training and cfg.get('resume') and not cfg.get('load_from'):
        saved = hook.folder_of(cfg.work_dir)
        cfg.load_from = find_latest(saved, print, hook.is_own)
        if cfg.load_from is None and cfg.resume == 'latest':
            raise InputError(f"--resume: '{saved}' has no checkpoint to resume from")
        cfg.resume = cfg.load_from is not None
    if settings:
        cfg.default_hooks.checkpoint.out_dir = None
    if cfg.get('visualizer'):
        cfg.visualizer.vis_backends = []
    cfg.work_dir, cfg.log_level = folder, 'WARNING'
    return cfg
