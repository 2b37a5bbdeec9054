"""Configs as people have them: with byte-order marks, and written for MMPose."""

from __future__ import annotations

import os.path as osp
from pathlib import Path
from typing import IO, Any

from mmengine.config import Config
from mmengine.config import config as _config_module

_MMPOSE = 'mmpose'


def read_config_file(path: str | Path) -> Config:
    """Read a config file and its bases, which may begin with a byte-order mark.

    Modules of its ``custom_imports`` are not imported.
    """
    # mmengine would hand the mark on to the parser.
    vars(_config_module)['open'] = _open_without_mark
    try:
        return Config.fromfile(path, import_custom_modules=False)
    finally:
        del vars(_config_module)['open']


def _open_without_mark(path: Any, mode: str = 'r', encoding: str | None = None) -> IO:
    reads_text = encoding == 'utf-8' and mode == 'r'
    return open(path, mode, encoding='utf-8-sig' if reads_text else encoding)


def adopt_config(cfg: Config, scope: str, folder: Path | None = None) -> Config:
    """Make a config that says ``mmpose`` mean this package, in place.

    Args:
        cfg: The config.
        scope: The scope to set where there is MMPose's or none.
        folder: The config's folder; metainfo files that are there become absolute paths.
    """
    if cfg.get('default_scope', _MMPOSE) in (_MMPOSE, None):
        cfg.default_scope = scope
    _adopt(cfg._cfg_dict, scope, folder)
    return cfg


def _adopt(node: Any, scope: str, folder: Path | None) -> None:
    if isinstance(node, list | tuple):
        for item in node:
            _adopt(item, scope, folder)
    if not isinstance(node, dict):
        return
    kind, metainfo = node.get('type'), node.get('from_file')
    if isinstance(kind, str) and kind.startswith(f'{_MMPOSE}.'):
        node['type'] = kind.removeprefix(f'{_MMPOSE}.')
    if node.get('_scope_') == _MMPOSE:
        node['_scope_'] = scope
    if folder and isinstance(metainfo, str) and not osp.isfile(metainfo):
        own = folder / metainfo
        if own.is_file():
            node['from_file'] = str(own.resolve())
    for value in list(node.values()):
        _adopt(value, scope, folder)
