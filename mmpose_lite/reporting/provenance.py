"""Where numbers come from: files and their hashes, versions, device, command."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmpose_lite.utils.collect_env import describe_devices, installed_versions

KEYS = (
    'command',
    'config',
    'config_sha256',
    'checkpoint',
    'checkpoint_sha256',
    'data',
    'versions',
    'device',
    'flip_test',
    'date',
)


def collect_provenance(
    command: str,
    config: str,
    checkpoint: str,
    data: Iterable[str],
    flip_test: bool,
    device: str,
) -> dict[str, Any]:
    """Describe a test run, now and on this machine.

    Args:
        command: The command line.
        config: The config file.
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
        'checkpoint': checkpoint,
        'checkpoint_sha256': sha256(checkpoint),
        'data': [{'file': path, 'sha256': sha256(path)} for path in dict.fromkeys(data)],
        'versions': installed_versions(),
        'device': describe_devices() if device.startswith('cuda') else device.upper(),
        'flip_test': flip_test,
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
    }


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
