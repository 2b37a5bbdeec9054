"""Reading configs."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmpose_lite.registry import SCOPE
from mmpose_lite.structures import config_root
from mmpose_lite.utils import MissingFileError

_SAME_SCOPE = 'mmpose'


def load_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file.

    Args:
        path: The file; a ``configs/...`` name is found among the shipped ones, whatever the
            working directory.
        options: Values to set, by dotted key.

    Returns:
        The config. The scope ``mmpose`` becomes ours, and paths of metainfo files of the user's
        own that are relative to the config become absolute.

    Raises:
        MissingFileError: If there is no such file.
    """
    path = Path(path)
    shipped = config_root().parent / path
    found = next((each for each in (path, shipped) if each.is_file()), None)
    if found is None:
        raise MissingFileError(f"config '{path}' is neither at {path.absolute()} nor at {shipped}")
    cfg = Config.fromfile(found)
    if options:
        cfg.merge_from_dict(dict(options))
    if cfg.get('default_scope', _SAME_SCOPE) == _SAME_SCOPE:
        cfg.default_scope = SCOPE
    _adopt(cfg._cfg_dict, found.parent)
    return cfg


def _adopt(node: Any, folder: Path) -> None:
    """Rewrite MMPose's scope and relative metainfo paths, all through a config."""
    if isinstance(node, list | tuple):
        for item in node:
            _adopt(item, folder)
    if not isinstance(node, ConfigDict | dict):
        return
    kind = node.get('type')
    if isinstance(kind, str) and kind.startswith(f'{_SAME_SCOPE}.'):
        node['type'] = kind.removeprefix(f'{_SAME_SCOPE}.')
    if node.get('_scope_') == _SAME_SCOPE:
        node['_scope_'] = SCOPE
    metainfo = node.get('from_file')
    if isinstance(metainfo, str) and not osp.isfile(metainfo) and (folder / metainfo).is_file():
        node['from_file'] = str((folder / metainfo).resolve())
    for value in list(node.values()):
        _adopt(value, folder)
