"""Reading configs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmpose_lite.registry import SCOPE
from mmpose_lite.structures import config_root
from mmpose_lite.utils import MissingFileError
from mmpose_lite.utils.config_utils import adopt_config


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
    return adopt_config(cfg, SCOPE, found.parent)
