"""Pickles put together by hand, step by step, and the files that carry them."""

import io
import pickle
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

PROTO, STOP = b'\x80\x02', b'.'
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def plain(value: Any) -> bytes:
    """The steps that push a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def name(path: str) -> bytes:
    """The step that pushes what a dotted name means; a blank parts module and name."""
    module, _, member = path.partition(' ')
    return f'c{module}\n{member}\n'.encode()


def call(path: str, *arguments: Any, steps: bytes | None = None) -> bytes:
    """The steps that call a function; ``steps`` push the tuple of arguments instead."""
    return name(path) + (plain(arguments) if steps is None else steps) + b'R'


def group(*parts: bytes) -> bytes:
    """The steps that push a tuple of what the parts push."""
    return b'(' + b''.join(parts) + b't'


def mapping(**parts: bytes) -> bytes:
    """The steps that push a dict."""
    return b'}' + b''.join(plain(key) + part + b's' for key, part in parts.items())


def content(part: bytes, **others: Any) -> bytes:
    """A whole pickle of a checkpoint with the part inside."""
    rest = {'state_dict': {}, **others}
    return PROTO + mapping(**{k: plain(v) for k, v in rest.items()}, meta=part) + STOP


def storage(count: int, key: str = '0', kind: str = 'torch FloatStorage', fields=(), device='cpu'):
    """The steps that open a storage."""
    last = [plain(field) for field in fields]
    parts = (plain('storage'), name(kind), plain(key), plain(device), plain(count), *last)
    return group(*parts) + b'Q'


def tensor(held: bytes, offset, size, stride, tail: bytes | None = None) -> bytes:
    """The steps that make a tensor of a storage."""
    hooks = call('collections OrderedDict')
    tail = plain(False) + hooks if tail is None else tail
    parts = (held, plain(offset), plain(size), plain(stride), tail)
    return call('torch._utils _rebuild_tensor_v2', steps=group(*parts))


def zipped(
    data: bytes,
    members: Iterable[tuple[str, bytes]] = (),
    method: int = zipfile.ZIP_STORED,
    folder: str = 'archive/',
) -> bytes:
    """A zip such as torch writes."""
    file = io.BytesIO()
    notes = [('byteorder', b'little'), ('version', b'3\n')]
    with zipfile.ZipFile(file, 'w', method) as archive:
        for member, value in [('data.pkl', data), *notes, *members]:
            archive.writestr(zipfile.ZipInfo(folder + member), value, method)
    return file.getvalue()


def old(data: bytes, keys: Iterable[str] = (), numbers: bytes = b'') -> bytes:
    """A file such as torch wrote before 1.6."""
    system = {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {}}
    head = [pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, system)]
    return b''.join(head) + data + pickle.dumps(list(keys), 2) + numbers


def tarred(data: bytes) -> bytes:
    """A file such as torch wrote before 0.1.10."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w:', format=tarfile.PAX_FORMAT) as archive:
        for member in ('storages', 'tensors', 'pickle'):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def saved(value: Any, **options: Any) -> bytes:
    """Bytes that ``torch.save`` writes."""
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    """Write files, each under the name of its family."""
    folder.mkdir(parents=True)
    paths = {}
    for family, value in files.items():
        # Some families are of the name's end.
        path = folder / (family if '.' in family else f'{family}.pth')
        path.write_bytes(value)
        paths[family] = path
    return paths
