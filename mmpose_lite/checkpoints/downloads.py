"""Files from the network: fetched whole, and checked against the hash in their name."""

from __future__ import annotations

import hashlib
import os
import os.path as osp
import re
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process

from mmpose_lite.utils import InputError

# torch's names and OpenMMLab's, which add a date: net-00eb2006.pth, net-f2bbc62b_20210125.pth
_HASH = re.compile(r'-([0-9a-f]{8,64})(_\d{8})?\.\w+$')
_CHUNK = 1 << 20


class DownloadError(InputError):
    """A file that the network does not give."""


def fetch(url: str, folder: str | None = None, is_listed: bool = False) -> str:
    """Download a file once, by the first process.

    Args:
        url: Its address.
        folder: Where it is kept; torch's own by default.
        is_listed: Whether one of mmengine's lists names it, whose names end with hashes: else
            eight digits that are a date are no hash.

    Returns:
        The file's path.

    Raises:
        DownloadError: If it cannot be had.
        InputError: If it is not what the hash in its name says: a download is not kept then, a
            file that was there before is left as it is.
    """
    folder = folder or osp.join(torch.hub.get_dir(), 'checkpoints')
    name = osp.basename(urlparse(url).path)
    if name in ('', '.', '..') or '\\' in name or '\0' in name:
        raise InputError(f"'{url}' names no file")
    path = osp.join(folder, name)
    try:
        if is_main_process():
            promised = _hash_in(name, is_listed)
            if osp.isfile(path):
                _check(path, promised, f"'{path}', from '{url}', is refused", 'remove it to retry')
            else:
                _download(url, path, promised)
    finally:
        barrier()
    return path


def _hash_in(name: str, is_listed: bool) -> str:
    """The hash that a name ends with, in hex; empty if there is none."""
    found = _HASH.search(name)
    if found is None or (not is_listed and _is_date(found[1])):
        return ''
    return found[1]


def _is_date(digits: str) -> bool:
    try:
        year = datetime.strptime(digits, '%Y%m%d').year
    except ValueError:
        return False
    return 1990 <= year < 2100


def _check(path: str, promised: str, refusal: str, advice: str) -> None:
    """Compare the first digits of a file's hash."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while promised and (chunk := file.read(_CHUNK)):
            digest.update(chunk)
    if promised and not digest.hexdigest().startswith(promised):
        raise InputError(
            f'{refusal}: its SHA-256 is {digest.hexdigest()[: len(promised)]}..., and its name '
            f'says {promised}; {advice}'
        )


def _download(url: str, path: str, promised: str) -> None:
    """Fetch a file beside its place, and move it there when it has come, whole and as promised."""
    part = f'{path}.{os.getpid()}.part'
    try:
        os.makedirs(osp.dirname(path), exist_ok=True)
        torch.hub.download_url_to_file(url, part)
        _check(part, promised, f"'{url}' is refused", 'it is not kept')
        os.replace(part, path)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # the network's errors are OSErrors
        raise DownloadError(
            f"'{url}' cannot be downloaded: {error}; fetched elsewhere, its place is '{path}'"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            os.remove(part)
