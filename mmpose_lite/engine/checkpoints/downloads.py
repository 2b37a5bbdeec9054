"""Files from the network: fetched whole, and checked against the hash in their name."""

from __future__ import annotations

import hashlib
import os
import os.path as osp
import re
from contextlib import suppress
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process

from mmpose_lite.utils import InputError

# torch's names and OpenMMLab's, which add a date: net-00eb2006.pth, net-f2bbc62b_20210125.pth
_HASH = re.compile(r'-([0-9a-f]{8,64})(_\d{8})?\.\w+$')
_CHUNK = 1 << 20


def fetch(url: str, folder: str | None = None) -> str:
    """Download a file once, by the first process.

    Args:
        url: Its address.
        folder: Where it is kept; torch's own by default.

    Returns:
        The file's path.

    Raises:
        InputError: If it cannot be had, or is not what the hash in its name says; it is removed
            then.
    """
    folder = folder or osp.join(torch.hub.get_dir(), 'checkpoints')
    name = osp.basename(urlparse(url).path)
    if name in ('', '.', '..') or '\\' in name or '\0' in name:
        raise InputError(f"'{url}' names no file")
    path = osp.join(folder, name)
    try:
        if is_main_process():
            if not osp.isfile(path):
                _download(url, path)
            check_name(path, url)
    finally:
        barrier()
    return path


def check_name(path: str, url: str) -> None:
    """Compare a file with the hash in its name, if there is one; remove it if they differ.

    Raises:
        InputError: If they differ.
    """
    found = _HASH.search(osp.basename(path))
    if found is None:
        return
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if not digest.hexdigest().startswith(found[1]):
        with suppress(FileNotFoundError):
            os.remove(path)
        raise InputError(
            f"'{url}' is refused: its SHA-256 is {digest.hexdigest()[: len(found[1])]}..., and its "
            f"name says {found[1]}; '{path}' has been removed"
        )


def _download(url: str, path: str) -> None:
    """Fetch a file beside its place, and move it there when all of it has come."""
    part = f'{path}.{os.getpid()}.part'
    try:
        os.makedirs(osp.dirname(path), exist_ok=True)
        torch.hub.download_url_to_file(url, part)
        os.replace(part, path)
    except (OSError, RuntimeError, ValueError) as error:  # the network's errors are OSErrors
        raise InputError(f"'{url}' cannot be downloaded: {error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.remove(part)
