"""Weights that come with the package, by their names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmpose_lite.errors import MissingFileError

FOLDER = Path(__file__).resolve().parents[1] / 'pretrained'
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_-]*')
# What `mmpose-lite publish` appends to a name.
_HASH = re.compile(r'-[0-9a-f]{8}$')


def packaged_weights() -> dict[str, Path]:
    """Return the files of the weights that the package has, by name: without their hash."""
    return {_HASH.sub('', path.stem): path for path in sorted(FOLDER.glob('*.pth'))}


def find_weights(name: str) -> str:
    """Return the file of packaged weights; any other path or address as it is.

    Args:
        name: Such as ``'faces19'``, ``'work_dirs/a/best.pth'`` or ``'https://...'``. A file or
            folder of that name goes first.

    Raises:
        MissingFileError: If it is a bare word, and neither a file nor the name of such weights.
    """
    if not _NAME.fullmatch(name) or os.path.exists(name):
        return name
    known = packaged_weights()
    if name not in known:
        names = ', '.join(known) or 'none'
        raise MissingFileError(
            f"checkpoint '{name}' does not exist, and is no name of weights in the package "
            f'(there: {names})'
        )
    return str(known[name])
