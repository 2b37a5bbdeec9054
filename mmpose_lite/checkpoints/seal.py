"""The seal of a checkpoint: its size and SHA-256 at the end of the file, inside a valid zip.

``torch.load`` does not look at the checksums of a zip: of a hundred flipped bits it accepts
ninety-seven. A sealed file ends with a comment of the zip, which every reader of zips skips::

    zip as torch writes it | head: JSON, padded with spaces | SHA-256 of all before it, in hex

The comment is of one length, so that the digest covers the zip's own record of that length.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from typing import BinaryIO

from mmpose_lite.utils import InputError

_HEAD_SIZE = 192
_DIGEST_SIZE = 64
SEAL_SIZE = _HEAD_SIZE + _DIGEST_SIZE
_MARK = b'{"sealed": 1, '
_RECORD_SIZE = 22  # of a zip's last record, whose last two bytes are the comment's length
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What a seal says of its file.

    Attributes:
        size: Bytes of the file, with the seal.
        iter: Training iterations that are behind the weights.
        resumable: Whether a run can go on from the file; the best weights alone cannot.
    """

    size: int
    iter: int
    resumable: bool


class SealingWriter:
    """A file for ``torch.save`` that counts and digests what passes, and ends with a seal.

    Args:
        file: Where to write.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self._held = b''  # the last record so far: its end changes when the seal is put on

    def write(self, content: bytes) -> int:
        """Write bytes, all but the last few."""
        content = bytes(content) if len(content) < _RECORD_SIZE else content
        self._pass_on(self._held)
        self._pass_on(content[:-_RECORD_SIZE])
        self._held = bytes(content[-_RECORD_SIZE:])
        return len(content)

    def flush(self) -> None:
        """Nothing to do: the owner of the file flushes it."""

    def seal(self, iterations: int, resumable: bool) -> None:
        """Write the rest and the seal.

        Args:
            iterations: See :attr:`Seal.iter`.
            resumable: See :attr:`Seal.resumable`.
        """
        size = self._size + len(self._held) + SEAL_SIZE
        self._pass_on(self._held[:-2] + struct.pack('<H', SEAL_SIZE))
        fields = {'sealed': 1, **asdict(Seal(size, iterations, resumable))}
        self._pass_on(json.dumps(fields).ljust(_HEAD_SIZE).encode())
        self._file.write(self._digest.hexdigest().encode())

    def _pass_on(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)
        self._size += len(content)


def read_seal(path: str) -> Seal | None:
    """Read what a seal says, without checking the file; None where there is none."""
    with open(path, 'rb') as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - SEAL_SIZE))
        head = file.read(_HEAD_SIZE)
    if not head.startswith(_MARK):
        return None
    try:
        fields = json.loads(head)
        del fields['sealed']
        seal = Seal(**fields)
    except (ValueError, TypeError):
        return None
    return seal if isinstance(seal.size, int) and isinstance(seal.iter, int) else None


def check_seal(path: str) -> Seal | None:
    """Check a file against its seal, by reading all of it.

    Args:
        path: The file.

    Returns:
        What the seal says; None if the file has none. A file of this package whose seal is
        beyond recognition is told by its content: see :mod:`.reader`.

    Raises:
        InputError: If the file is not what was sealed.
    """
    seal = read_seal(path)
    if seal is None:
        return None
    size = os.path.getsize(path)
    if size != seal.size:
        raise InputError(f"checkpoint '{path}' is damaged: {size} bytes of {seal.size}")
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        left = size - _DIGEST_SIZE
        while left > 0:
            chunk = file.read(min(left, _CHUNK))
            digest.update(chunk)
            left -= len(chunk) or left
        stored = file.read()
    if digest.hexdigest().encode() != stored:
        raise InputError(f"checkpoint '{path}' is damaged: its SHA-256 is not that of its seal")
    return seal
