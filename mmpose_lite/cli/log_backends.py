"""``--log``: where the numbers of a training go beside its log."""

from __future__ import annotations

import argparse
import os
import os.path as osp
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

# The backend of each, and the package that it needs.
_BACKENDS: dict[str, tuple[str, str | None]] = {
    'tensorboard': ('TensorboardVisBackend', 'tensorboard'),
    'csv': ('CsvVisBackend', None),
    'wandb': ('WandbVisBackend', 'wandb'),
    'mlflow': ('MLflowVisBackend', 'mlflow'),
}


def add_log_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--log`` to a command line."""
    parser.add_argument(
        '--log',
        nargs='+',
        action='extend',
        choices=_BACKENDS,
        default=[],
        metavar='WHERE',
        help='log to tensorboard, csv, wandb, mlflow as well, one or several',
    )


def add_log_backends(cfg: Config, names: list[str]) -> None:
    """Give a config's visualizer the backends that ``--log`` asks for.

    Args:
        cfg: The config; its ``work_dir`` is decided.
        names: Of ``tensorboard``, ``csv``, ``wandb`` and ``mlflow``.

    Raises:
        InputError: If a package is not installed; the message has the command that installs it.
    """
    for name in names:
        package = _BACKENDS[name][1]
        if package is not None and find_spec(package) is None:
            raise InputError(f'--log {name}: the package is not installed: pip install {package}')
    if not names:
        return
    from mmengine.config import ConfigDict

    visualizer = cfg.setdefault('visualizer', ConfigDict(type='PoseLocalVisualizer'))
    backends = list(visualizer.get('vis_backends') or [{'type': 'LocalVisBackend'}])
    present = {backend.get('type') for backend in backends}
    for name in dict.fromkeys(names):
        if _BACKENDS[name][0] not in present:
            backends.append({'type': _BACKENDS[name][0], **_settings(name, cfg)})
    visualizer.vis_backends = backends


def _settings(name: str, cfg: Config) -> dict[str, Any]:
    run = osp.basename(osp.normpath(cfg.work_dir))
    if name == 'csv':
        return {'save_dir': cfg.work_dir, 'resume': bool(cfg.get('resume'))}
    if name == 'wandb':
        project = os.environ.get('WANDB_PROJECT', 'mmpose_lite')
        return {'init_kwargs': {'project': project, 'name': run}}
    if name == 'mlflow':
        folder = Path(cfg.work_dir).absolute()
        store = os.environ.get('MLFLOW_TRACKING_URI', f'sqlite:///{folder}/mlflow.db')
        # Folders without a database are what MLflow no longer takes; the work dir is not copied.
        return {
            'exp_name': run,
            'tracking_uri': store,
            'artifact_location': (folder / 'mlflow').as_uri(),
            'artifact_suffix': (),
        }
    return {}
