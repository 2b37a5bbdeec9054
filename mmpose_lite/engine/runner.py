"""mmengine's Runner, made to run where there is no GPU, and to check before it starts."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import TypeVar

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from mmengine.optim import OptimWrapperDict
from mmengine.registry import FUNCTIONS
from mmengine.runner import BaseLoop, Runner
from mmengine.utils import ManagerMixin
from mmengine.visualization import Visualizer
from torch import nn
from torch.utils.data import DataLoader

from mmpose_lite.checkpoints.writing import make_new_folder
from mmpose_lite.datasets.collate import collate_samples, explaining_workers
from mmpose_lite.registry import RUNNERS, SCOPE, require_type
from mmpose_lite.utils.collectives import first_decides
from mmpose_lite.utils.config_text import ReadableConfig
from mmpose_lite.utils.config_utils import about_keys, adopt_config, check_keys

from .checkpointing_runner import CheckpointingRunner
from .compile import compile_network, compile_settings
from .distributed import join_processes
from .hooks import (
    BadImageHook,
    ResidentCropsHook,
    SpeedHook,
    SummaryHook,
    TrainErrorHook,
    ValLossHook,
)
from .instances import forget, release
from .message_hub import DeferredMessageHub
from .optim_wrappers import OptimWrapper
from .optimizers import prefer_fused
from .placement import place_augmentation, place_targets, place_truth
from .preflight import check_not_empty
from .run_hooks import CloseLogHook, PlainCheckpointHook, PreflightHook, ValidationStopHook
from .run_log import environment_text, hooks_text, lines, training_facts
from .steady_buckets import SteadyBucketsHook
from .unused_parameters import UnusedParametersHook

_Instance = TypeVar('_Instance', bound=ManagerMixin)


def _is_for_users(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(('"FileClient" will', '"HardDiskBackend" is'))


@RUNNERS.register_module()
class PoseRunner(CheckpointingRunner):
    """mmengine's Runner with these differences; arguments are the same.

    - Checkpoints end with a checksum, runs go on exactly; see :class:`CheckpointingRunner`.
    - Processes without a GPU join by gloo.
    - ``persistent_workers`` and ``prefetch_factor`` fall away where there are no workers.
    - What disagrees (numbers of points, ``save_best``) is an error before the first iteration.
    - No iteration waits for the device: logs and checkpoints read what they need.
    - The optimizer's step is fused where that is possible and the config says nothing.
    - ``compile`` compiles the network alone, in test runs too.
    - Targets are made by the head, and crops on the device, where that is possible or asked for;
      see :mod:`.placement`.
    - Loaders pin their batches where there is a GPU.
    - Its logger, hub and visualizer are its own, also where another run names them alike.
    - Logs have images/s, the error on training crops and the loss of validations, and end with
      the best and the last epoch; see the hooks that a config may set itself.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> PoseRunner:
        """Build a runner from a config; one that says ``mmpose`` means this package.

        Raises:
            InputError: If a key is a slip for one that is read.
        """
        cfg = adopt_config(cfg, SCOPE)
        check_keys(cfg)
        unused = about_keys(cfg)
        place_targets(cfg)
        place_truth(cfg)
        place_augmentation(cfg)
        runner = super().from_cfg(ReadableConfig.of(cfg))
        for sentence in unused:
            runner.logger.warning(sentence)
        return runner

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._own(self.default_scope)
        self.register_hook(PreflightHook())
        self.register_hook(BadImageHook())
        augment = self.cfg.get('augment_on_device')
        if augment in ('auto', 'resident'):
            self.register_hook(ResidentCropsHook(augment))
        self.register_hook(PlainCheckpointHook())
        self.register_hook(ValidationStopHook())
        self.register_hook(CloseLogHook())
        self.register_hook(UnusedParametersHook())
        self.register_hook(SteadyBucketsHook())
        for kind in (SpeedHook, TrainErrorHook, ValLossHook, SummaryHook):
            if not any(isinstance(hook, kind) for hook in self.hooks):
                self.register_hook(kind())

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger; deprecations inside mmengine that no user can mend stay out of it."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            handler.addFilter(_is_for_users)
        return self._own(logger)

    def build_message_hub(self, message_hub: dict | None = None) -> DeferredMessageHub:
        """Build the hub of the run's scalars; its ``name`` is the experiment's by default."""
        name = self.experiment_name if message_hub is None else message_hub['name']
        return self._own(DeferredMessageHub.get_instance(name))

    def build_visualizer(self, visualizer: Visualizer | dict | None = None) -> Visualizer:
        """Build the run's own visualizer; one that is given is the caller's."""
        if isinstance(visualizer, Visualizer):
            return visualizer
        release(Visualizer, (visualizer or {}).get('name') or self.experiment_name)
        return self._own(super().build_visualizer(visualizer))

    def build_optim_wrapper(
        self, optim_wrapper: MMEngineOptimWrapper | OptimWrapperDict | dict
    ) -> MMEngineOptimWrapper | OptimWrapperDict:
        """Build the optimizer and its wrapper; see mmengine."""
        if not isinstance(optim_wrapper, dict):
            return super().build_optim_wrapper(optim_wrapper)
        if isinstance(optim_wrapper.get('optimizer'), dict):
            optimizer = prefer_fused(optim_wrapper['optimizer'], get_device())
            optim_wrapper = {**optim_wrapper, 'optimizer': optimizer}
        wrapper = super().build_optim_wrapper(optim_wrapper)
        # Distributed training brings memory of its own for gradients.
        if get_device() == 'cpu' and not self.distributed and isinstance(wrapper, OptimWrapper):
            wrapper.keep_gradients()
        return wrapper

    def get_hooks_info(self) -> str:
        """Describe which hooks act at which stage."""
        return hooks_text(self.hooks)

    def setup_env(self, env_cfg: dict) -> None:
        """Set up processes and threads, and a name of this run that no other has; see mmengine."""
        join_processes(self.launcher, env_cfg)
        super().setup_env(env_cfg)
        self._timestamp = first_decides(self._claim_log_folder)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Move the model to its device, and wrap it in distributed runs."""
        unwrapped = not is_model_wrapper(model)
        if not (self.distributed and unwrapped and model_wrapper_cfg is None):
            return super().wrap_model(model_wrapper_cfg, model)
        if get_device() == 'cuda':
            return super().wrap_model(None, model)
        # mmengine names a CUDA device here, whatever the model is on.
        return MMDistributedDataParallel(
            module=model.to(get_device()),
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=self.cfg.get('find_unused_parameters', False),
        )

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader; settings of workers fall away where there are none."""
        if isinstance(dataloader, dict):
            dataloader = dict(dataloader)
            collate = dataloader.get('collate_fn')
            if isinstance(collate, dict) and isinstance(collate.get('type'), str):
                require_type(FUNCTIONS, collate['type'])  # mmengine does not say what is missing
            dataloader.setdefault('collate_fn', collate_samples)
            dataloader.setdefault('pin_memory', get_device() == 'cuda')
            # Else starting a loader would change the state of torch's global generator.
            dataloader.setdefault('generator', torch.Generator())
            if not dataloader.get('num_workers', 0):
                dataloader.pop('persistent_workers', None)
                dataloader.pop('prefetch_factor', None)
        return Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the training loop; ``by_epoch`` chooses one of :mod:`.loops`."""
        if isinstance(loop, dict) and 'type' not in loop:
            loop = dict(loop)
            kind = 'EpochBasedTrainLoop' if loop.pop('by_epoch', True) else 'IterBasedTrainLoop'
            loop['type'] = kind
        found = super().build_train_loop(loop)
        check_not_empty('train_dataloader', found.dataloader)
        return found

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of validations, which must have a face."""
        found = super().build_val_loop(loop)
        check_not_empty('val_dataloader', found.dataloader)
        return found

    def build_test_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of tests, which must have a face."""
        found = super().build_test_loop(loop)
        check_not_empty('test_dataloader', found.dataloader)
        return found

    @explaining_workers()
    def train(self) -> nn.Module:
        """Train; see :meth:`CheckpointingRunner.train`."""
        return super().train()

    @explaining_workers()
    def val(self) -> dict[str, float]:
        """Validate; weights must fit."""
        self._strict_loading = True
        self._maybe_compile('val_step')
        return super().val()

    @explaining_workers()
    def test(self) -> dict[str, float]:
        """Test; weights must fit."""
        self._strict_loading = True
        self._maybe_compile('test_step')
        return super().test()

    def _claim_log_folder(self) -> str:
        """Make the folder of this run's log, after which mmengine names what is the run's alone.

        Returns:
            Its name, which no other run of this folder or of this process has.
        """
        names = list(MMLogger._instance_dict)
        folder = Path(self.work_dir, self._timestamp)
        return make_new_folder(folder, lambda name: any(each.endswith(name) for each in names)).name

    def _own(self, instance: _Instance) -> _Instance:
        """Keep an instance in mmengine's table no longer than this run is there."""
        weakref.finalize(self, forget, instance).atexit = False
        return instance

    def _log_env(self, env_cfg: dict) -> None:
        settings = {
            **env_cfg,
            **self._randomness_cfg,
            'seed': self.seed,
            'launcher': self.launcher,
            'processes': self.world_size,
            **training_facts(self.cfg, self.world_size),
        }
        self.logger.info(f'System environment:{environment_text()}')
        self.logger.info(f'Runtime environment:{lines(settings)}')
        if self.cfg:
            self.logger.info(f'Config:\n{self.cfg.pretty_text}')

    def _maybe_compile(self, target: str) -> None:
        settings = compile_settings(self.cfg.get('compile'))
        if settings is not None:
            model = self.model.module if is_model_wrapper(self.model) else self.model
            parts = ', '.join(compile_network(model, settings))
            self.logger.info(f'{parts}: compiled at their first batch, which takes a while')
