"""Setup of a process before configs are built: filled registries, a scope, and quiet workers."""

from __future__ import annotations

import atexit
import gc
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Import much without Python's collector of cycles, and spare it what was imported.

    The collector would go through a hundred thousand objects again and again, which is a third of
    the time that importing torch and mmengine takes. Afterwards it leaves alone what there is;
    workers that are forked keep sharing that memory.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(_leave)


def _leave() -> None:
    """Spare the end of the process a collection of what was imported, which takes a second.

    onnx complains there about objects that nobody has collected.
    """
    (gc.unfreeze if 'onnx' in sys.modules else gc.freeze)()


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every module that registers something.

    Registries import a type when it is looked up; call this to list what there is, or to
    build from configs without a runner.

    Args:
        init_default_scope: Make ``mmpose_lite`` the current default scope, with a warning if
            another one is current.
    """
    from ..registry import ALL_REGISTRIES, SCOPE

    for registry in ALL_REGISTRIES:
        registry.import_types()
    if init_default_scope:
        _make_current(SCOPE)


def _make_current(scope: str) -> None:
    from mmengine.registry import DefaultScope

    current = DefaultScope.get_current_instance()
    if current is not None:
        if current.scope_name == scope:
            return
        warnings.warn(
            f'The current default scope "{current.scope_name}" is not "{scope}"; '
            f'`register_all_modules` makes it "{scope}". Pass init_default_scope=False to keep it.',
            stacklevel=3,
        )
    # mmengine takes the latest instance as the current one, and a name only once.
    taken = DefaultScope.check_instance_created(scope)
    name = f'{scope}-{time.time_ns()}' if taken else scope
    DefaultScope.get_instance(name, scope_name=scope)


def setup_multi_processes(cfg: Mapping[str, Any]) -> None:
    """Set how workers start and how many threads each may use.

    Args:
        cfg: A config with ``env_cfg.mp_cfg`` (``mp_start_method``, ``opencv_num_threads``), or with
            these two keys at its top as MMPose 0.x had them. OpenMP and MKL are held to one thread
            if it asks for more than one loader worker and the environment does not say otherwise.
    """
    from mmengine.utils.dl_utils import set_multi_processing

    settings = cfg.get('env_cfg', {}).get('mp_cfg', cfg)
    workers = cfg.get('train_dataloader', {}).get('num_workers', 0)
    workers = max(workers, cfg.get('data', {}).get('workers_per_gpu', 0))
    set_multi_processing(
        mp_start_method=settings.get('mp_start_method', 'fork'),
        opencv_num_threads=settings.get('opencv_num_threads', 0),
        distributed=workers > 1,
    )
