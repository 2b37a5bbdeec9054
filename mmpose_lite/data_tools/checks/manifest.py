"""Hashes of a data set's files, kept to find damage that decoders do not notice."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from mmpose_lite.utils import InputError
from mmpose_lite.utils.files import replacing

_VERSION = 1


class FileState(NamedTuple):
    """A file's size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileState:
        """The state of a file with this content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


class Manifest:
    """The states of files, by their paths relative to the manifest's folder.

    Args:
        path: The manifest.
        anew: Begin with none, whatever the file holds.

    Attributes:
        path: The manifest.
        states: The states that it holds; none if there is no such file.

    Raises:
        InputError: If it is damaged.
    """

    def __init__(self, path: Path, anew: bool = False) -> None:
        self.path = path
        self.states: dict[str, FileState] = {}
        if anew or not path.exists():
            return
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            self.states = {name: FileState(*state) for name, state in content['files'].items()}
            whole = content['version'] == _VERSION and content['sha256'] == self._digest()
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise InputError(f'manifest {str(path)!r} cannot be read: {error}') from error
        if not whole:
            raise InputError(
                f'manifest {str(path)!r} is not as it was written: mend it from a copy, or write a '
                'new one (--write-manifest) once you trust the data'
            )

    def name(self, path: str) -> str:
        """The name under which a file is kept."""
        return Path(os.path.relpath(path, self.path.parent)).as_posix()

    def problem(self, path: str, state: FileState) -> str | None:
        """How a file differs from what is kept; None if it does not, or is not known."""
        kept = self.states.get(self.name(path))
        if kept is None or kept == state:
            return None
        if kept.size != state.size:
            return f'has {state.size} bytes, {kept.size} when the manifest was written'
        return 'has changed since the manifest was written: the size is the same, the hash is not'

    def write(self, states: dict[str, FileState]) -> None:
        """Keep the states of these files (by path) beside the others, and write the manifest."""
        self.states.update({self.name(path): state for path, state in states.items()})
        files = {name: list(self.states[name]) for name in sorted(self.states)}
        content = {'version': _VERSION, 'sha256': self._digest(), 'files': files}
        with replacing(self.path) as file:
            file.write(f'{json.dumps(content, indent=0)}\n'.encode())

    def _digest(self) -> str:
        files = sorted((name, *state) for name, state in self.states.items())
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()
