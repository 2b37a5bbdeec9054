"""The two sides: where each package is, how its scripts are run, and the config both are given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .measure.identify import identify

ROOT = Path(__file__).resolve().parents[1]
MEASURE = ROOT / 'benchmarks' / 'measure'
OURS, MMPOSE = 'mmpose_lite', 'mmpose'

AFLW = 'face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
RTMPOSE = 'face_2d_keypoint/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256.py'

# Both sides' AFLW recipe from random weights, on the photographs made here, with a stopwatch.
CONFIG = """
_base_ = ['{base}']

custom_imports = dict(imports=['benchmarks.measure.stopwatch'], allow_failed_imports=False)
custom_hooks = [
    dict(type='Stopwatch', out_file='stopwatch.json'),
    dict(type='SyncBuffersHook'),
]
model = dict(backbone=dict(init_cfg=None))
data_root = '{data_root}/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
"""

# RTMPose-m with the points of AFLW; names that stand for mmdet's are those of either side, which
# have these parts, too.
RTMPOSE_CONFIG = """
_base_ = ['{base}']

custom_imports = dict(imports=['benchmarks.measure.stopwatch'], allow_failed_imports=False)
custom_hooks = [
    dict(type='Stopwatch', out_file='stopwatch.json'),
    _base_.custom_hooks[0],
]
model = dict(
    backbone=dict(
        _scope_='mmpose', init_cfg=None, deepen_factor={deepen}, widen_factor={widen}
    ),
    head=dict(in_channels={channels}, out_channels=19),
)
data_root = '{data_root}/'
faces = dict(_delete_=True, type='AFLWDataset', data_root=data_root, data_mode='topdown')
faces.update(data_prefix=dict(img='images/'))
train_dataloader = dict(
    dataset=dict(
        faces,
        ann_file='annotations/face_landmarks_aflw_train.json',
        pipeline=[
            dict(step, type=step['type'].replace('mmdet.', '')) for step in _base_.{pipeline}
        ],
    )
)
val_dataloader = dict(
    dataset=dict(
        faces,
        ann_file='annotations/face_landmarks_aflw_test.json',
        pipeline=_base_.val_pipeline,
        test_mode=True,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='NME', norm_mode='use_norm_item', norm_item='bbox_size'
)
test_evaluator = val_evaluator
"""
# Depth, width and channels of its three sizes, as in the configs of six sets.
_RTMPOSE_SIZES = {'t': (0.167, 0.375, 384), 's': (0.33, 0.5, 512), 'm': (0.67, 0.75, 768)}


def _rtmpose(size: str, pipeline: str) -> tuple[str, str, dict[str, Any]]:
    values = dict(zip(('deepen', 'widen', 'channels'), _RTMPOSE_SIZES[size], strict=True))
    return RTMPOSE, RTMPOSE_CONFIG, {**values, 'pipeline': pipeline}


RECIPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    'aflw': (AFLW, CONFIG, {}),
    **{f'rtmpose-{size}': _rtmpose(size, 'train_pipeline') for size in _RTMPOSE_SIZES},
    'rtmpose-m-late': _rtmpose('m', 'train_pipeline_stage2'),
}
"""By name: the config that it is made of, what is changed there, and the values of that."""


class SideError(RuntimeError):
    """A side cannot be used."""


@dataclass(frozen=True)
class Side:
    """One of the two packages.

    Attributes:
        package: The package's name.
        prefix: Interpreter and its arguments that run a script of this side.
        paths: What goes in front of the interpreter's module search path.
        home: Folder of ``tools`` and ``configs``.
        versions: Versions of the package and of what it runs on.
    """

    package: str
    prefix: tuple[str, ...]
    paths: tuple[str, ...]
    home: Path
    versions: dict[str, str]

    def script(self, name: str) -> Path:
        """The file of ``train``, ``test``, ``dist_train``, ``loader`` or ``model``."""
        if name in ('loader', 'model'):
            return MEASURE / f'{name}.py'
        return self.home / 'tools' / f'{name}{".sh" if name == "dist_train" else ".py"}'

    def environment(self, threads: int, gpu: bool) -> dict[str, str]:
        """Environment variables of a process with so many threads, and with or without GPUs."""
        env = {**os.environ, 'OMP_NUM_THREADS': str(threads), 'PYTHONWARNINGS': 'ignore'}
        env['PYTHONPATH'] = os.pathsep.join(self.paths)
        if not gpu:
            env['CUDA_VISIBLE_DEVICES'] = ''
        # Without byte code, each process would compile what was not installed by pip anew.
        env.pop('PYTHONDONTWRITEBYTECODE', None)
        return env

    def prepare(self, folder: Path) -> None:
        """Put into a working folder what this side looks for there.

        A checkout of MMPose finds the names of its points at ``configs/_base_/datasets``, in the
        working folder alone; a wheel looks in the package too.
        """
        if self.package == MMPOSE:
            (folder / 'configs').symlink_to(self.home / 'configs', target_is_directory=True)

    def write_config(self, path: Path, data_root: Path, recipe: str = 'aflw') -> Path:
        """Write this side's config of a recipe for a data set."""
        name, text, values = RECIPES[recipe]
        base = self.home / 'configs' / name
        path.write_text(text.format(base=base, data_root=data_root, **values), encoding='utf-8')
        return path


def our_side() -> Side:
    """The checkout that this file is in, with the interpreter that runs it."""
    _, versions = identify(OURS)
    return Side(OURS, (sys.executable,), (str(ROOT),), ROOT, versions)


def find_mmpose(path: str, python: str) -> Side:
    """Find MMPose.

    Args:
        path: A source checkout, a folder of installed packages, or ``'installed'``.
        python: The interpreter to run it with.

    Raises:
        SideError: If it does not import there, or its tools and configs are not to be found.
    """
    prefix = (python, '-m', 'benchmarks.measure.standins')
    paths = (str(ROOT),) if path == 'installed' else (str(Path(path).resolve()), str(ROOT))
    folder, versions = _ask(prefix, paths)
    return Side(MMPOSE, prefix, paths, find_home(folder), versions)


def find_home(package: Path) -> Path:
    """Find the tools and configs of an MMPose: within it (of a wheel), or beside it.

    Raises:
        SideError: If they are nowhere.
    """
    for home in (package / '.mim', package.parent):
        if (home / 'configs' / AFLW).is_file() and (home / 'tools' / 'train.py').is_file():
            return home
    raise SideError(f'neither tools nor configs of MMPose are in {package} or beside it')


def _ask(prefix: tuple[str, ...], paths: tuple[str, ...]) -> tuple[Path, dict[str, str]]:
    """Ask an interpreter where its MMPose is, and with which versions."""
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'PYTHONWARNINGS': 'ignore'}
    with tempfile.TemporaryDirectory() as folder:
        out_file = Path(folder) / 'found.json'
        command = [*prefix, str(MEASURE / 'identify.py'), MMPOSE, str(out_file)]
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SideError(f'MMPose does not import:\n{done.stderr}')
        found = json.loads(out_file.read_text(encoding='utf-8'))
    return Path(found['folder']), found['versions']
