"""Where numbers come from: files and their hashes, versions, device, command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmpose_lite.utils.collect_env import describe_devices, installed_versions

KEYS = (
    'command',
    'config',
    'config_sha256',
    'resolved_config_sha256',
    'checkpoint',
    'checkpoint_sha256',
    'data',
    'versions',
    'device',
    'flip_test',
    'date',
)

# What a config says of one run alone: where its files go, which weights, how it was started.
_OF_THE_RUN = ('work_dir', 'load_from', 'resume', 'launcher')
_PLACES = ('out_dir', 'out_file_path', 'save_dir')  # at any depth


def collect_provenance(
    command: str,
    config: str,
    resolved: Mapping[str, Any],
    checkpoint: str,
    data: Iterable[str],
    flip_test: bool,
    device: str,
) -> dict[str, Any]:
    """Describe a test run, now and on this machine.

    Args:
        command: The command line.
        config: The config file.
        resolved: What it comes to, with its bases and all options.
        checkpoint: The checkpoint's file or address.
        data: Annotation files, and those of subsets.
        flip_test: Whether predictions are the mean with those of mirrored faces.
        device: What the model was on, such as ``'cpu'``; a GPU gets its name.

    Returns:
        A dict with :data:`KEYS`, plain data; hashes of what is no file here are None.
    """
    return {
        'command': command,
        'config': config,
        'config_sha256': sha256(config),
        'resolved_config_sha256': resolved_sha256(resolved),
        'checkpoint': checkpoint,
        'checkpoint_sha256': sha256(checkpoint),
        'data': [{'file': path, 'sha256': sha256(path)} for path in dict.fromkeys(data)],
        'versions': installed_versions(),
        'device': describe_devices() if device.startswith('cuda') else device.upper(),
        'flip_test': flip_test,
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
    }


def resolved_sha256(config: Mapping[str, Any]) -> str:
    """The SHA-256 of a config's values in hexadecimal, but for what belongs to one run alone.

    The order of keys, and whether a sequence is a list or a tuple, do not matter.
    """
    kept = {key: value for key, value in config.items() if key not in _OF_THE_RUN}
    text = json.dumps(_without_places(kept), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _without_places(item) for key, item in value.items() if key not in _PLACES
        }
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return value


def sha256(path: str) -> str | None:
    """The SHA-256 of a file in hexadecimal; None if there is no such file."""
    if not Path(path).is_file():
        return None
    with open(path, 'rb') as file:
        if hasattr(hashlib, 'file_digest'):
            return hashlib.file_digest(file, 'sha256').hexdigest()
        digest = hashlib.sha256()  # Python 3.10
        while block := file.read(2**20):
            digest.update(block)
        return digest.hexdigest()
