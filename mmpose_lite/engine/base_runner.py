"""mmengine's Runner, made to build the parts of a run for any machine."""

from __future__ import annotations

import logging
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from mmengine.device import get_device
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from mmengine.optim import OptimWrapperDict, _ParamScheduler
from mmengine.registry import FUNCTIONS
from mmengine.runner import BaseLoop, Priority, Runner
from mmengine.utils import ManagerMixin
from mmengine.visualization import Visualizer
from torch import nn
from torch.utils.data import DataLoader

from mmpose_lite.checkpoints.writing import make_new_folder
from mmpose_lite.datasets.collate import collate_samples
from mmpose_lite.errors import InputError
from mmpose_lite.registry import require_type
from mmpose_lite.utils.collect_env import environment_text, fact_lines
from mmpose_lite.utils.collectives import first_decides
from mmpose_lite.utils.config_utils import read_config_file
from mmpose_lite.utils.tensor_utils import unwrap_model
from mmpose_lite.utils.threads import share_cores

from .distributed import join_processes
from .hooks import BadImageHook, ScreenHook, SpeedHook, SummaryHook, TrainErrorHook, ValLossHook
from .hooks.bad_image_hook import replaces_samples
from .loops import TrainLoop
from .optim_wrappers import OptimWrapper
from .optimizer_states import prefer_fused
from .preflight import check_not_empty
from .run_log import FILE_ONLY, DeferredMessageHub, use_screen
from .run_state import find_hook
from .scheduler_states import in_iterations

_Instance = TypeVar('_Instance', bound=ManagerMixin)
_Loop = TypeVar('_Loop', bound=BaseLoop)

# The names of mmengine's default hooks.
_MMENGINE_HOOKS = frozenset(
    ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
)
# The default hooks in addition to mmengine's.
_DEFAULT_HOOKS: dict[str, type[Hook]] = {
    'speed': SpeedHook,
    'train_error': TrainErrorHook,
    'val_loss': ValLossHook,
    'summary': SummaryHook,
    'screen': ScreenHook,
}
_COMPILED = ('backbone', 'neck', 'head')


class BaseRunner(Runner):
    """mmengine's Runner with the same arguments, which builds the parts of a run as follows.

    It is apart from :class:`PoseRunner`, its only subclass, so that each can be read by itself:
    here is what a run is made of, there what it does. Runs are always of the latter.

    - Processes without a GPU communicate by gloo.
    - A command's threads leave cores to other processes that keep them busy.
    - ``persistent_workers`` and ``prefetch_factor`` are dropped if there are no workers.
    - Loaders pin their batches if there is a GPU, and only then; they must have a batch.
    - The optimizer's step is fused if that is possible and the config does not choose.
    - Schedules may begin and end at shares of the run: ``end=0.05``.
    - ``compile`` compiles the network alone.
    - Scalars stay on the device until a log or a checkpoint needs them.
    - Logger, hub and visualizer belong to one run, even if another run has the same names.
    - ``default_hooks`` has ``speed``, ``train_error``, ``val_loss``, ``summary`` and ``screen`` in
      addition to mmengine's; None leaves one out, and one in ``custom_hooks`` replaces it.
    - The screen shows what is for people, the log file has everything; ``verbose=True`` prints all.
    - A data set whose ``on_bad_image`` replaces samples adds :class:`BadImageHook`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._own(self.default_scope)
        if sentence := share_cores():
            self.logger.warning(sentence)

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger; see :func:`.use_screen`."""
        logger = super().build_logger(*args, **kwargs)
        use_screen(logger, self.cfg.get('verbose'))
        return self._own(logger)

    def build_message_hub(self, message_hub: dict | None = None) -> DeferredMessageHub:
        """Build the hub of the run's scalars, named after the experiment by default."""
        name = self.experiment_name if message_hub is None else message_hub['name']
        return self._own(DeferredMessageHub.get_instance(name))

    def build_visualizer(self, visualizer: Visualizer | dict | None = None) -> Visualizer:
        """Build the run's own visualizer; one that is passed in is used as it is."""
        if isinstance(visualizer, Visualizer):
            return visualizer
        _release(Visualizer, (visualizer or {}).get('name') or self.experiment_name)
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
        # Distributed training has its own memory for gradients.
        if get_device() == 'cpu' and not self.distributed and isinstance(wrapper, OptimWrapper):
            wrapper.keep_gradients()
        return wrapper

    def _build_param_scheduler(self, scheduler: Any, optim_wrapper: Any) -> list[_ParamScheduler]:
        several = scheduler if isinstance(scheduler, Sequence) else [scheduler]
        taken = [
            in_iterations(each, self.max_iters, f'param_scheduler.{i}', self._tell_rewrite)
            for i, each in enumerate(several)
        ]
        return super()._build_param_scheduler(taken, optim_wrapper)

    def _tell_rewrite(self, sentence: str) -> None:
        self.logger.info(f'config rewritten: {sentence}', extra=FILE_ONLY)

    def register_default_hooks(self, hooks: Mapping[str, Any] | None = None) -> None:
        """Register mmengine's hooks and those of the log, under the names of the class."""
        own = {name: {'type': kind} for name, kind in _DEFAULT_HOOKS.items()}
        merged = {**own, **(hooks or {})}
        # mmengine leaves out its own that are None, and takes None under no other name.
        kept = {k: hook for k, hook in merged.items() if hook is not None or k in _MMENGINE_HOOKS}
        super().register_default_hooks(kept)

    def register_custom_hooks(self, hooks: Iterable[Hook | dict]) -> None:
        """Register a config's own hooks; they replace default hooks of the same class."""
        before = list(self.hooks)
        super().register_custom_hooks(hooks)
        added = {type(hook) for hook in self.hooks if hook not in before}
        renewed = added.intersection(_DEFAULT_HOOKS.values())
        self._hooks = [
            hook for hook in self.hooks if type(hook) not in renewed or hook not in before
        ]

    def get_hooks_info(self) -> str:
        """List the hooks in their order, then those that act at each stage of a run."""
        acting = {
            stage: ', '.join(
                type(hook).__name__ for hook in self.hooks if stage in hook.get_triggered_stages()
            )
            for stage in Hook.stages
        }
        order = ', '.join(f'{type(hook).__name__} ({_priority(hook)})' for hook in self.hooks)
        return order + fact_lines({stage: names for stage, names in acting.items() if names})

    def setup_env(self, env_cfg: dict) -> None:
        """Set up processes and threads, and a unique name for this run; see mmengine."""
        join_processes(self.launcher, env_cfg)
        super().setup_env(env_cfg)
        self._timestamp = first_decides(self._claim_log_folder)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Move the model to its device, and wrap it in distributed runs."""
        is_plain = model_wrapper_cfg is None and not is_model_wrapper(model)
        if not (self.distributed and is_plain) or get_device() == 'cuda':
            return super().wrap_model(model_wrapper_cfg, model)
        if self.cfg.get('sync_bn'):
            self.logger.warning('sync_bn needs GPUs: each process has statistics of its own')
        # mmengine would name a CUDA device here, even for a model on the CPU.
        with warnings.catch_warnings():  # torch has two names of one argument, mmengine the older
            warnings.filterwarnings('ignore', message='`broadcast_buffers` is deprecated')
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
        """Build a loader and its data set; settings of workers are dropped if there are none."""
        if isinstance(dataloader, dict):
            dataloader = dict(dataloader)
            collate = dataloader.get('collate_fn')
            if isinstance(collate, dict) and isinstance(collate.get('type'), str):
                require_type(FUNCTIONS, collate['type'])  # mmengine does not say what is missing
            dataloader.setdefault('collate_fn', collate_samples)
            if get_device() == 'cuda':
                dataloader.setdefault('pin_memory', True)
            else:
                dataloader.pop('pin_memory', None)  # torch would warn of it in each epoch
            # Otherwise starting a loader would change the state of torch's global generator.
            dataloader.setdefault('generator', torch.Generator())
            if not dataloader.get('num_workers', 0):
                dataloader.pop('persistent_workers', None)
                dataloader.pop('prefetch_factor', None)
        return Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)

    def build_train_loop(self, loop: BaseLoop | dict) -> TrainLoop:
        """Build the training loop; ``by_epoch`` chooses one of :mod:`.loops`.

        Raises:
            InputError: If it is neither of them nor made of them, or its loader has no batch.
        """
        if isinstance(loop, dict) and 'type' not in loop:
            loop = dict(loop)
            kind = 'EpochBasedTrainLoop' if loop.pop('by_epoch', True) else 'IterBasedTrainLoop'
            loop['type'] = kind
        found = super().build_train_loop(loop)
        if not isinstance(found, TrainLoop):
            raise InputError(
                f'train_cfg.type={type(found).__name__!r} cannot stop and resume at any iteration: '
                "use this package's EpochBasedTrainLoop or IterBasedTrainLoop, or a subclass; "
                "mmengine's Runner takes other loops"
            )
        return self._checked(found, 'train_dataloader')

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of validations, which must have a face."""
        loop = {'type': 'ValLoop', **loop} if isinstance(loop, dict) else loop
        return self._checked(super().build_val_loop(loop), 'val_dataloader')

    def build_test_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of tests, which must have a face."""
        return self._checked(super().build_test_loop(loop), 'test_dataloader')

    def _checked(self, loop: _Loop, name: str) -> _Loop:
        """Refuse a loop with an empty loader; add a BadImageHook if its data set needs one."""
        check_not_empty(name, loop.dataloader)
        if find_hook(self, BadImageHook) is None and replaces_samples(loop.dataloader.dataset):
            self.register_hook(BadImageHook())
        return loop

    def _claim_log_folder(self) -> str:
        """Make this run's log folder, after whose name mmengine calls the run's own objects."""
        names = list(MMLogger._instance_dict)
        folder = Path(self.work_dir, self._timestamp)
        return make_new_folder(folder, lambda name: any(each.endswith(name) for each in names)).name

    @master_only
    def dump_config(self) -> None:
        """Write the config into the work dir, where it replaces no file that a person wrote."""
        source = self.cfg.filename
        is_there = source and Path(source).resolve().parent == Path(self.work_dir).resolve()
        # A run may begin from what an earlier one dumped there.
        if is_there and read_config_file(source).pretty_text != Path(source).read_text('utf-8-sig'):
            self.logger.info(
                f"config '{source}' is in the work dir itself and stays as it is; "
                'vis_data/config.py in the folder of the log has all values'
            )
            return
        super().dump_config()

    def _own(self, instance: _Instance) -> _Instance:
        """Drop an instance from mmengine's tables when this runner is garbage-collected."""
        weakref.finalize(self, _forget, instance).atexit = False
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
        self.logger.info(f'System environment:{environment_text()}', extra=FILE_ONLY)
        self.logger.info(f'Runtime environment:{fact_lines(settings)}', extra=FILE_ONLY)
        if self.cfg:
            self.logger.info(f'Config:\n{self.cfg.pretty_text}', extra=FILE_ONLY)

    def _maybe_compile(self, target: str) -> None:
        settings = compile_settings(self.cfg.get('compile'))
        if settings is not None:
            parts = ', '.join(compile_network(unwrap_model(self.model), settings))
            self.logger.info(f'{parts}: compiled at their first batch, which takes a while')


def compile_settings(choice: bool | str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Read the config's key ``compile``: True, the name of a mode, or torch's arguments.

    Returns:
        Arguments of :func:`torch.compile`, or None where nothing is to be compiled.

    Raises:
        InputError: If it is none of these.
    """
    if choice is None or choice is False:
        return None
    if choice is True:
        return {}
    if isinstance(choice, str):
        return {'mode': choice}
    if isinstance(choice, Mapping):
        return dict(choice)
    raise InputError(f'compile={choice!r} is not one of a bool, the name of a mode, a dict')


def compile_network(model: nn.Module, settings: Mapping[str, Any]) -> list[str]:
    """Compile a model's backbone, neck and head in place.

    What handles samples (targets, losses, decoding) stays as it is. Names and tensors of the
    model's state stay too, so checkpoints fit either way.

    Returns:
        The names of the parts that were compiled.
    """
    parts = {name: getattr(model, name) for name in _COMPILED if hasattr(model, name)}
    for part in parts.values():
        # Not the call: heads of others call their forward by its name.
        part.forward = torch.compile(part.forward, **settings)
    return list(parts)


def training_facts(cfg: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """The learning rate, the batch size it is meant for and the run's, as far as they are known."""
    loader, wrapper = cfg.get('train_dataloader'), cfg.get('optim_wrapper')
    if not isinstance(loader, Mapping) or not isinstance(wrapper, Mapping):
        return {}
    scaling = cfg.get('auto_scale_lr') or {}
    optimizer = wrapper.get('optimizer')
    facts = {
        'lr': optimizer.get('lr') if isinstance(optimizer, Mapping) else None,
        'base batch': scaling.get('base_batch_size'),
        'batch': processes * loader.get('batch_size', 1),
    }
    if facts['lr'] is not None and scaling.get('enable'):
        facts['lr'] = f'{facts["lr"]}, which is scaled from the base batch to the batch'
    return {f'training: {name}': fact for name, fact in facts.items() if fact is not None}


def close_files(logger: logging.Logger) -> None:
    """Close the files of a logger; a later record reopens them and is appended."""
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.mode = 'a'
            handler.close()


def _priority(hook: Hook) -> str:
    try:
        return Priority(hook.priority).name
    except ValueError:
        return str(hook.priority)


def _release(kind: Any, name: str) -> None:
    """Free a name in mmengine's tables for a new instance; the old one lives on for its holders."""
    kind._instance_dict.pop(name, None)
    for child in kind.__subclasses__():
        _release(child, name)


def _forget(instance: ManagerMixin) -> None:
    """Drop a logger, hub, visualizer or scope from mmengine's tables; close a logger's files."""
    for kind in type(instance).__mro__:
        table = vars(kind).get('_instance_dict', {})
        if table.get(instance.instance_name) is instance:
            del table[instance.instance_name]
    if isinstance(instance, logging.Logger):
        close_files(instance)
