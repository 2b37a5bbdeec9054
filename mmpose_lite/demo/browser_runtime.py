"""onnxruntime-web, the part of a page that runs networks: from npm's registry, or from a file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.paths import reason_of, shown

VERSION = '1.30.0'
"""The version that the page is tried with."""

_NAME = 'onnxruntime-web'
_TARBALL = f'{_NAME}-{VERSION}.tgz'
_REGISTRY = 'https://registry.npmjs.org'
_INTEGRITY = (
    'sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJm'
    'g8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=='
)
_SECONDS = 60  # of silence, after which a download has failed
FILES = (
    'ort.wasm.min.mjs',
    'ort-wasm-simd-threaded.mjs',
    'ort-wasm-simd-threaded.wasm',
    'ort.webgpu.min.mjs',
    'ort-wasm-simd-threaded.asyncify.mjs',
    'ort-wasm-simd-threaded.asyncify.wasm',
)
"""The files of the package that the page loads: one set for wasm, one for WebGPU."""


@dataclass(frozen=True)
class BrowserRuntime:
    """The files of onnxruntime-web.

    Attributes:
        version: The package's version.
        files: The content of each of :data:`FILES`.
    """

    version: str
    files: Mapping[str, bytes]


def find_runtime(place: str | os.PathLike | None = None) -> BrowserRuntime:
    """Read onnxruntime-web, which is fetched from npm's registry the first time.

    What is fetched is compared with the hash that is known here, and kept in the user's folder of
    caches (``XDG_CACHE_HOME``, or ``~/.cache``). The variable ``NPM_CONFIG_REGISTRY`` names another
    registry.

    Args:
        place: In its place, the package as a file of ``npm pack``, or a folder with its content.

    Raises:
        InputError: If it cannot be had, or is not what it should be.
    """
    if place is None:
        return _unpacked(_fetched(), _TARBALL)
    path = Path(place)
    try:
        if path.is_dir():
            root = path if (path / 'package.json').is_file() else path / 'package'
            return _read(lambda name: (root / name).read_bytes(), shown(path))
        return _unpacked(path.read_bytes(), shown(path))
    except OSError as error:
        raise InputError(f'{_NAME} {shown(path)}: {reason_of(error)}') from error


def cached_tarball() -> Path:
    """The place of the package in the user's folder of caches."""
    folder = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(folder, 'mmpose_lite', _TARBALL)


def _fetched() -> bytes:
    """The package, from the cache if it is there unharmed."""
    cached = cached_tarball()
    with suppress(OSError):
        content = cached.read_bytes()
        if _integrity(content) == _INTEGRITY:
            return content
    registry = os.environ.get('NPM_CONFIG_REGISTRY', _REGISTRY).rstrip('/')
    address = f'{registry}/{_NAME}/-/{_TARBALL}'
    try:
        with urlopen(address, timeout=_SECONDS) as response:
            content = response.read()
    except (OSError, ValueError) as error:
        raise InputError(
            f'{address} cannot be fetched: {reason_of(error)}; where there is no network, bring '
            f'the file of "npm pack {_NAME}@{VERSION}" and pass it with --onnxruntime-web FILE'
        ) from error
    if _integrity(content) != _INTEGRITY:
        raise InputError(
            f'{address} is not what was published as {_NAME} {VERSION}: its hash is '
            f'{_integrity(content)}, and not {_INTEGRITY}'
        )
    with suppress(OSError):  # a home that cannot be written to costs a download each time
        cached.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as file:
            file.write(content)
    return content


def _integrity(content: bytes) -> str:
    digest = hashlib.sha512(content).digest()
    return f'sha512-{base64.b64encode(digest).decode("ascii")}'


def _unpacked(content: bytes, where: str) -> BrowserRuntime:
    """Read the files of a tarball; nothing is written."""
    try:
        with tarfile.open(fileobj=BytesIO(content), mode='r:gz') as archive:

            def read(name: str) -> bytes:
                file = archive.extractfile(f'package/{name}')
                if file is None:
                    raise KeyError(name)
                return file.read()

            return _read(read, where)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f'{where} is not a file of "npm pack {_NAME}": {error}') from error


def _read(read: Callable[[str], bytes], where: str) -> BrowserRuntime:
    try:
        package = json.loads(read('package.json'))
        if package['name'] != _NAME:
            raise InputError(f'{where} is the package {package["name"]}, and not {_NAME}')
        files = {name: read(f'dist/{name}') for name in FILES}
    except (KeyError, FileNotFoundError) as error:
        raise InputError(
            f'{where} lacks a file of {_NAME} {VERSION}: {error}; another version may have others'
        ) from error
    except ValueError as error:
        raise InputError(f'{where}: package.json is not JSON: {error}') from error
    return BrowserRuntime(str(package['version']), files)
