"""The container of a checkpoint: the zip that ``torch.save`` writes, and a checksum footer.

``torch.load`` does not look at the checksums of a zip: of a hundred flipped bits it accepts
ninety-seven. A checkpoint of this package ends with a comment of the zip, which every reader of
zips skips::

    zip as torch writes it | head: JSON, padded with spaces | SHA-256 of all before it, in hex

The comment is of one length, so that the digest covers the zip's own record of that length.
Files of others have no footer; their zips are checked before anything of them is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import BinaryIO

from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import sha256

from .errors import RefusedError, UnreadableError, one_line

_HEAD_SIZE = 192
_DIGEST_SIZE = 64
FOOTER_SIZE = _HEAD_SIZE + _DIGEST_SIZE
_MARK = b'{"sealed": 1, '
_RECORD_SIZE = 22  # of a zip's last record, whose last two bytes are the comment's length
_CHUNK = 1 << 20

_MEMBER = re.compile(
    r'data\.pkl|data/\d{1,19}|version|byteorder|\.data/serialization_id|\.format_version'
    r'|\.storage_alignment'
)
_LONGEST_NOTE = 256  # of members that are neither the pickle nor a storage
_ENCRYPTED = 1


@dataclass(frozen=True)
class Footer:
    """The checksum footer of a file.

    Attributes:
        size: Bytes of the file, with the footer.
        iter: Training iterations that are behind the weights.
        resumable: Whether a run can resume from the file; the best weights alone cannot.
    """

    size: int
    iter: int
    resumable: bool


class ChecksumWriter:
    """A file for ``torch.save`` that counts and digests what passes, and ends with a footer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self._held = b''  # the last record so far: its end changes when the footer is put on

    def write(self, content: bytes) -> int:
        """Write bytes, all but the last few."""
        content = bytes(content) if len(content) < _RECORD_SIZE else content
        self._pass_on(self._held)
        self._pass_on(content[:-_RECORD_SIZE])
        self._held = bytes(content[-_RECORD_SIZE:])
        return len(content)

    def flush(self) -> None:
        """Nothing to do: the owner of the file flushes it."""

    def finish(self, iterations: int, resumable: bool) -> None:
        """Write the rest and the footer; for the arguments see :class:`Footer`."""
        size = self._size + len(self._held) + FOOTER_SIZE
        self._pass_on(self._held[:-2] + struct.pack('<H', FOOTER_SIZE))
        fields = {'sealed': 1, **asdict(Footer(size, iterations, resumable))}
        self._pass_on(json.dumps(fields).ljust(_HEAD_SIZE).encode())
        self._file.write(self._digest.hexdigest().encode())

    def _pass_on(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)
        self._size += len(content)


def read_footer(path: str) -> Footer | None:
    """Read what a footer says, without checking the file; None where there is none."""
    with open(path, 'rb') as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - FOOTER_SIZE))
        head = file.read(_HEAD_SIZE)
    if not head.startswith(_MARK):
        return None
    try:
        fields = json.loads(head)
        del fields['sealed']
        footer = Footer(**fields)
    except (ValueError, TypeError):
        return None
    return footer if isinstance(footer.size, int) and isinstance(footer.iter, int) else None


def check_footer(path: str) -> Footer | None:
    """Check a file against its footer, by reading all of it.

    Returns:
        What the footer says; None if the file has none. A file of this package whose footer is
        beyond recognition is told by its content: see :mod:`.reading`.

    Raises:
        InputError: If the file is not what was written.
    """
    footer = read_footer(path)
    if footer is None:
        return None
    size = os.path.getsize(path)
    if size != footer.size:
        raise InputError(f"checkpoint '{path}' is damaged: {size} bytes of {footer.size}")
    with open(path, 'rb') as file:
        file.seek(max(0, size - _DIGEST_SIZE))
        stored = file.read()
    if sha256(path, size - _DIGEST_SIZE).encode() != stored:
        raise InputError(f"checkpoint '{path}' is damaged: its SHA-256 is not that of its footer")
    return footer


class Archive:
    """The members of a checkpoint's zip, once they have been found sound.

    Raises:
        RefusedError: If it has members that torch does not write, or writes in another way.
        UnreadableError: If it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        with _naming_damage():
            self._zip = zipfile.ZipFile(file)
        _check_end(self._zip, file, size)
        members = self._zip.infolist()
        folder = members[0].filename.partition('/')[0] if members else ''
        self._prefix = f'{folder}/'
        names: set[str] = set()
        for member in members:
            name = _check_member(member, self._prefix)
            if name.lower() in names:
                raise RefusedError(f'a zip with two members of the name {name}')
            names.add(name.lower())
        if sum(member.file_size for member in members) > size:
            raise RefusedError(f'a zip of {size} bytes with members of more')
        if 'data.pkl' not in names:
            raise UnreadableError('its zip has no data.pkl')
        if min(member.header_offset for member in members) != 0:
            raise RefusedError('a zip that begins with something else')

    def read_pickle(self, longest: int) -> bytes:
        """Read the pickle of so many bytes or less, and check it against the zip's checksum."""
        name = f'{self._prefix}data.pkl'
        if self._zip.getinfo(name).file_size > longest:
            raise RefusedError('a pickle that is longer than any checkpoint')
        with _naming_damage():
            return self._zip.read(name)

    def check_sums(self) -> None:
        """Compare every member with its checksum, which torch itself does not do."""
        for member in self._zip.infolist():
            with _naming_damage(), self._zip.open(member) as content:
                while content.read(_CHUNK):
                    pass


@contextmanager
def _naming_damage() -> Iterator[None]:
    """Turn the errors of a damaged zip into ours."""
    try:
        yield
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError) as error:
        raise UnreadableError(f'its zip is damaged: {one_line(error, 120)}') from error


def _check_end(archive: zipfile.ZipFile, file: BinaryIO, size: int) -> None:
    """Readers of zips look for the last record in different ways; here there is but one."""
    end = size - _RECORD_SIZE - len(archive.comment)
    file.seek(max(0, end))
    if file.read(4) != b'PK\5\6' or b'PK' in archive.comment:
        raise RefusedError('a zip with something behind its end')


def _check_member(member: zipfile.ZipInfo, prefix: str) -> str:
    shown = one_line(member.filename, 120) or "''"
    name = member.orig_filename.removeprefix(prefix)
    if not member.orig_filename.startswith(prefix) or not _MEMBER.fullmatch(name):
        raise RefusedError(f'a zip with the member {shown}, which torch does not write')
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        raise RefusedError(f'a zip with the compressed member {shown}')
    if member.flag_bits & _ENCRYPTED:
        raise RefusedError(f'a zip with the encrypted member {shown}')
    if not name.startswith('data') and member.file_size > _LONGEST_NOTE:
        raise RefusedError(f'a zip with the member {shown} of {member.file_size} bytes')
    return name
