"""Reading configs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmpose_lite.registry import SCOPE, describe_unknown_type
from mmpose_lite.structures import config_root
from mmpose_lite.utils import InputError, MissingFileError, MissingKeyError
from mmpose_lite.utils.config_utils import adopt_config

# Keys of MMPose 0.x's configs, and of those of 1.x alone.
_OLD = {
    'channel_cfg',
    'checkpoint_config',
    'data_cfg',
    'dist_params',
    'keypoint_head',
    'log_config',
}
_OLD |= {'lr_config', 'optimizer_config', 'samples_per_gpu', 'total_epochs'}
_NEW = {'default_scope', 'optim_wrapper', 'train_dataloader', 'val_dataloader', 'val_evaluator'}
# A name or two of a user's own may be among them.
_OLD_ENOUGH = 3


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
        InputError: If it is a config of MMPose 0.x.
    """
    path = Path(path)
    shipped = config_root().parent / path
    found = next((each for each in (path, shipped) if each.is_file()), None)
    if found is None:
        raise MissingFileError(f"config '{path}' is neither at {path.absolute()} nor at {shipped}")
    _refuse_old(found)
    cfg = Config.fromfile(found)
    if options:
        cfg.merge_from_dict(dict(options))
    return adopt_config(cfg, SCOPE, found.parent)


@contextmanager
def naming_near_types() -> Iterator[None]:
    """Have an unknown ``type`` end with the names of the nearest ones.

    Raises:
        MissingKeyError: If a ``type`` is unknown, in place of mmengine's error.
    """
    try:
        yield
    except KeyError as error:
        message = None if isinstance(error, InputError) else describe_unknown_type(error)
        if message is None:
            raise
        raise MissingKeyError(message) from error


def _refuse_old(path: Path) -> None:
    """Refuse a config of MMPose 0.x by its own text: its bases are seldom beside it."""
    lines = (line.partition('#')[0] for line in path.read_text('utf-8', 'replace').splitlines())
    found = set(re.findall(r'\b(\w+)[\'"]?\s*[=:]', '\n'.join(lines)))
    keys = sorted(found & _OLD)
    if len(keys) >= _OLD_ENOUGH and not found & _NEW:
        raise InputError(
            f"config '{path}' is one of MMPose 0.x, by its {', '.join(keys)}: those do not run "
            f'here, nor in MMPose 1.x. Begin with the shipped config of its data set and model '
            f'({config_root() / "face_2d_keypoint"}), and carry over what you changed; checkpoints '
            'of 0.x load as they are'
        )
