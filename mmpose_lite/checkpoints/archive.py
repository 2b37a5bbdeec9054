"""The zip that ``torch.save`` writes, looked at before anything of it is unpacked."""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO

from .dry_run import LONGEST_PICKLE
from .refusals import RefusedError, UnreadableError, one_line

_MEMBER = re.compile(
    r'data\.pkl|data/\d{1,19}|version|byteorder|\.data/serialization_id|\.format_version'
    r'|\.storage_alignment'
)
_LONGEST_NOTE = 256  # of members that are neither the pickle nor a storage
_LAST_RECORD = 22
_ENCRYPTED = 1
_CHUNK = 1 << 20


class Archive:
    """The members of a checkpoint's zip, once they have been found sound.

    Args:
        file: The file, which begins with a zip's mark.

    Raises:
        RefusedError: If it has members that torch does not write, or writes in another way.
        UnreadableError: If it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        with _DamageNamed():
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
        self.storages = {
            member.filename.rpartition('/')[2]: member.file_size
            for member in members
            if member.filename.startswith(f'{self._prefix}data/')
        }

    def open_pickle(self) -> bytes:
        """The pickle; the zip's checksum of it holds."""
        name = f'{self._prefix}data.pkl'
        if self._zip.getinfo(name).file_size > LONGEST_PICKLE:
            raise RefusedError('a pickle that is longer than any checkpoint')
        with _DamageNamed():
            return self._zip.read(name)

    def check_sums(self) -> None:
        """Compare every member with its checksum, which torch itself does not do."""
        for member in self._zip.infolist():
            with _DamageNamed(), self._zip.open(member) as content:
                while content.read(_CHUNK):
                    pass


class _DamageNamed:
    """Turns the errors of a damaged zip into ours."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        faults = (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError)
        if isinstance(error, (*faults, RuntimeError)):
            raise UnreadableError(f'its zip is damaged: {one_line(error, 120)}') from error


def _check_end(archive: zipfile.ZipFile, file: BinaryIO, size: int) -> None:
    """Readers of zips look for the last record in different ways; here there is but one."""
    end = size - _LAST_RECORD - len(archive.comment)
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
