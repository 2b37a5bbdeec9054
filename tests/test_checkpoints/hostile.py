"""Hostile checkpoint files, by family: what each is, and what its refusal must name.

Those that call something would make a file, the canary. The others are small files that become
large, or that confuse whoever reads them.
"""

import io
import json
import pickle
import re
import struct
import zipfile
import zlib
from collections import OrderedDict

import numpy as np
import torch
from hostile_calls import hostile_calls
from pickling import (
    MAGIC,
    PROTO,
    PROTOCOL,
    STOP,
    call,
    content,
    group,
    mapping,
    name,
    old,
    plain,
    saved,
    storage,
    tarred,
    tensor,
    zipped,
)

Files = dict[str, tuple[bytes, str]]

_OLD_HEAD = pickle.dumps(MAGIC, 2) + pickle.dumps(PROTOCOL, 2)
_NUMBERS = np.ones(4, np.float32).tobytes()
_DATA = [('data/0', _NUMBERS)]


def hostile_files(canary: str) -> Files:
    """One file a family: its bytes, and a pattern for what the refusal says."""
    files: Files = {
        f'call_{family}': (zipped(content(call(calls[0][0], *calls[0][1]))), shown(calls[0][0]))
        for family, calls in hostile_calls(canary).items()
    }
    shell = call('os system', f'touch {canary}')
    return {**files, **_carriers(shell), **_steps(shell), **_tensors(), **_others()}


def harmless_files() -> dict[str, tuple[bytes, object]]:
    """Odd files that are read as plain data: the bytes, and what is in ``meta`` then."""
    four, ones = storage(4), torch.ones(4)
    history = name('mmengine.logging.history_buffer HistoryBuffer')
    parts = {
        'new_of_the_allowed': (name('torch Size') + b')\x81', torch.Size([])),
        'meta_device': (tensor(storage(4, device='meta'), 0, (4,), (1,)), ones),
        'many_dimensions': (tensor(four, 0, (1,) * 70, (1,) * 70), torch.ones((1,) * 70)),
        'statistic': (call('builtins getattr', steps=group(history, plain('max'))), None),
    }
    return {key: (zipped(content(part), _DATA), meta) for key, (part, meta) in parts.items()}


def shown(function: str) -> str:
    """Name of a function in a refusal."""
    return re.escape(function.replace('__builtin__', 'builtins').replace(' ', '.'))


def _carriers(shell: bytes) -> Files:
    bad = content(shell)
    whole = zipped(bad)
    good = saved({'state_dict': {'weight': torch.ones(300)}, 'meta': {}})
    place = good.index(np.ones(300, np.float32).tobytes())
    scripted = [('constants.pkl', bad), ('code/__torch__.py', b'import os')]
    objects = np.array([_Runs(shell)], dtype=object)
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, objects)
    np.savez(npz, arr=objects)
    header = json.dumps({'x': {'dtype': 'F32', 'shape': [2**40], 'data_offsets': [0, 2**42]}})
    return {
        'zip': (whole, r'os\.system'),
        'legacy': (old(bad), r'os\.system'),
        'legacy_in_the_system_info': (_OLD_HEAD + bad, r'os\.system'),
        'raw_pickle': (bad, 'not a torch file'),
        'raw_pickle_of_protocol_4': (b'\x80\x04' + bad[2:], 'not a torch file'),
        'protocol_4': (zipped(b'\x80\x04' + bad[2:]), 'protocol 4'),
        'legacy_of_protocol_4': (old(b'\x80\x04' + bad[2:]), 'protocol 4'),
        'legacy_tar': (tarred(bad), 'not a torch file'),
        'deflated': (
            zipped(content(plain('x' * 10**6)), method=zipfile.ZIP_DEFLATED),
            'compressed member',
        ),
        'deflated_tensor': (
            zipped(
                content(tensor(storage(2**21), 0, (2**21,), (1,))),
                [('data/0', bytes(2**23))],
                method=zipfile.ZIP_DEFLATED,
            ),
            'compressed member',
        ),
        'end.safetensors': (struct.pack('<Q', len(header)) + header.encode(), 'cannot be read'),
        'zip.safetensors': (whole, r'os\.system'),
        'end.onnx': (whole, 'is an exported file'),
        'changed_tensor': (good[:place] + b'\1' + good[place + 1 :], 'damaged.*CRC'),
        'cut_short': (good[:-300], 'damaged'),
        'encrypted': (_with_flag(good), 'encrypted'),
        'trailing': (good + b'more', 'zip'),
        'leading': (zipped(content(plain({})), [('../x', b'')]), r'member archive/\.\./x'),
        'absolute_member': (zipped(content(plain({})), folder='/etc/'), 'does not write'),
        'duplicate_member': (_twice(content(plain({})), bad), 'two members'),
        'duplicate_by_case': (zipped(content(plain({})), [('DATA.pkl', bad)]), 'does not write'),
        'torchscript': (zipped(content(plain({})), scripted), 'constants.pkl'),
        'npy': (npy.getvalue(), 'not a torch file'),
        'npz': (npz.getvalue(), 'does not write'),
        'dcp.metadata': (b'\x80\x04' + bad[2:], 'not a torch file'),
        'joblib': (zlib.compress(bad), 'cannot be read'),
    }


class _Runs:
    """Its pickle runs the shell."""

    def __init__(self, shell: bytes) -> None:
        self.shell = shell

    def __reduce__(self):
        return pickle.loads, (PROTO + self.shell + STOP,)


def _with_flag(archive: bytes) -> bytes:
    """The first member in the directory of a zip is marked as encrypted."""
    place = archive.index(b'PK\1\2') + 8
    return archive[:place] + bytes([archive[place] | 1]) + archive[place + 1 :]


def _twice(first: bytes, second: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for letter, value in (('a', first), ('b', second)):
            archive.writestr(f'archive/data.pk{letter}', value)
    return file.getvalue().replace(b'data.pka', b'data.pkl').replace(b'data.pkb', b'data.pkl')


def _steps(shell: bytes) -> Files:
    """Attacks on the stack, the memo, and objects that others hold too."""
    command = shell.partition(b'\nsystem\n')[2][:-1]  # the tuple of arguments
    text = command[: command.index(b'\x85')]
    ordered = call('collections OrderedDict')
    history = name('mmengine.logging.history_buffer HistoryBuffer')
    methods = mapping(mean=call('builtins getattr', steps=group(history, plain('max'))))
    array = call('numpy.core.multiarray _reconstruct', steps=_array_arguments())
    deep = b']' * 200 + b'a' * 199
    laughs = (
        b'(]q\x00'
        + b''.join(
            b'](' + b'h' + bytes([i]) + (b'h' + bytes([i])) * 9 + b'eq' + bytes([i + 1])
            for i in range(20)
        )
        + b't'
    )
    parts = {
        'stack_global': (plain('os') + plain('system') + b'\x93' + command + b'R', 'STACK_GLOBAL'),
        'memo': (name('os system') + b'q\x05' + command + b'R', r'os\.system'),
        'inst': (b'(' + text + b'ios\nsystem\n', 'INST'),
        'obj': (b'(cos\nsystem\n' + text + b'o', 'GLOBAL|os.system'),
        'obj_of_the_allowed': (b'(' + name('collections OrderedDict') + b'o', 'OBJ'),
        'extension': (b'\x82\x01', 'EXT1'),
        'persid': (b'Pos.system\n', 'PERSID'),
        'module_reference': (
            group(plain('module'), plain('x')) + b'Q',
            'of storage is allowed',
        ),
        'new_of_a_class': (name('subprocess Popen') + command + b'\x81', r'subprocess\.Popen'),
        'items_in_a_list': (b']' + plain('x') + plain(1) + b's', 'SETITEM .*list'),
        'items_in_a_tensor': (
            tensor(storage(4), 0, (4,), (1,)) + plain('x') + plain(1) + b's',
            'SETITEM .*Tensor',
        ),
        'items_in_a_class': (name('torch Size') + plain('x') + plain(1) + b's', 'SETITEM'),
        'appended_to_a_dict': (b'}' + plain(1) + b'a', 'append to lists.*dict'),
        'state_of_a_class': (
            name('collections OrderedDict') + mapping(__init__=plain('x')) + b'b',
            'Can only build',
        ),
        'state_of_a_tensor': (
            tensor(storage(4), 0, (4,), (1,)) + mapping(data=plain(1)) + b'b',
            r'set_\(\)',
        ),
        'attributes': (ordered + mapping(items=plain('x')) + b'b', 'OrderedDict with attributes'),
        'statistics': (
            history + b')\x81' + mapping(statistics_methods=methods) + b'b',
            'meta is a .*StoredHistory',
        ),
        'truncated_while_running': (shell + b'0' * 3, r'os\.system'),
        'deep': (deep, 'nested'),
        'holds_itself': (b']q\x00h\x00a', 'holds itself'),
        'billion_laughs': (laughs, 'many times over'),
        'metadata': (ordered + mapping(_metadata=plain('x')) + b'b', 'OrderedDict with attributes'),
        'odd_history': (history + b')\x81' + plain('x') + b'b', 'odd HistoryBuffer'),
        'array_of_any_size': (call('numpy ndarray', (2**31,)), 'object'),
        'tuples_in_a_key': (_tuples_of_tuples(), 'hold each other many times'),
        'deep_key': (b'})' + b'\x85' * 10**5 + plain(1) + b's', 'hold each other many times'),
        'slow_codec': (call('_codecs encode', 'x', 'punycode'), "_codecs.encode of 'punycode'"),
        'any_attribute': (call('builtins getattr', 1, '__class__'), "getattr of '__class__'"),
        'key_of_tuples': (b'}' + plain((1, 2)) + plain(1) + b's', 'tuple as the key'),
        'endless': (b'](' + b'N' * 2_100_000 + b'e', 'longer than any'),
        'array_of_objects': (array + _array_state('O8', b'') + b'b', 'numpy.dtype'),
        'array_of_records': (array + _array_state('V8', bytes(8)) + b'b', 'numpy.dtype'),
        'array_without_content': (array + _array_state('f8', bytes(8), (2**30,)) + b'b', 'numpy'),
        'dtype_of_all': (call('numpy dtype', 'f8') + b'0', 'damaged'),
    }
    return {
        f'step_{family}': (zipped(content(part), _DATA), pattern)
        for family, (part, pattern) in parts.items()
    }


def _tuples_of_tuples() -> bytes:
    """A key whose hash visits ten times as many values with each of twenty tuples."""
    tuples = b')q\x00'
    for i in range(20):
        tuples += b'0(' + (b'h' + bytes([i])) * 10 + b'tq' + bytes([i + 1])
    return b'}' + tuples.replace(b'0(', b'(') + plain(1) + b's'


def _array_arguments() -> bytes:
    return group(name('numpy ndarray'), plain((0,)), call('_codecs encode', 'b', 'latin1'))


def _array_state(code: str, value: bytes, shape: tuple = (1,)) -> bytes:
    held = call('_codecs encode', value.decode('latin1'), 'latin1')
    dtype = call('numpy dtype', code, False, True)
    return group(plain(1), plain(shape), dtype, plain(False), held)


def _tensors() -> Files:
    """Tensors that are larger than their numbers, or whose numbers are elsewhere."""
    four = storage(4)
    hooks = group(plain(False), mapping(x=plain(1)))[1:-1]
    parts = {
        'stride_0': (tensor(four, 0, (2**40,), (0,)), 'a tensor of shape'),
        'stride_0_in_two': (tensor(four, 0, (4, 2**20), (1, 0)), 'a tensor of shape'),
        'negative_stride': (tensor(four, 3, (4,), (-1,)), 'strides'),
        'negative_offset': (tensor(four, -1, (4,), (1,)), 'invalid storage offset'),
        'huge_offset': (tensor(four, 4, (1,), (1,)), 'not resizable|out of bounds'),
        'huge_numel': (tensor(storage(2**40), 0, (4,), (1,)), 'record size'),
        'negative_numel': (tensor(storage(-4), 0, (4,), (1,)), 'get_storage_from_record'),
        'other_size': (tensor(storage(3), 0, (3,), (1,)), 'record size'),
        'other_type': (
            tensor(storage(2, kind='torch DoubleStorage'), 0, (2,), (1,)) + b'0'
            + tensor(four, 0, (4,), (1,)),
            'POP',
        ),
        'two_types': (
            group(storage(2, kind='torch DoubleStorage'), four),
            'TypedStorage',
        ),
        'missing_storage': (tensor(storage(4, key='7'), 0, (4,), (1,)), 'data/7'),
        'storage_elsewhere': (tensor(storage(4, key='../x'), 0, (4,), (1,)), r'data/\.\./x'),
        'odd_type': (tensor(storage(4, kind='torch QInt8Storage'), 0, (4,), (1,)), 'QInt8Storage'),
        'hooks': (tensor(four, 0, (4,), (1,), hooks), 'hooks'),
        'shape_of_floats': (tensor(four, 0, (4.0,), (1,)), r'set_\(\)'),
        'view': (tensor(storage(4, fields=(None,)), 0, (4,), (1,)), 'too many values'),
    }  # fmt: skip
    files = {
        f'tensor_{family}': (zipped(content(part), _DATA), pattern)
        for family, (part, pattern) in parts.items()
    }
    whole = content(tensor(storage(4, fields=(None,)), 0, (4,), (1,)))
    huge = content(tensor(storage(2**40, fields=(None,)), 0, (4,), (1,)))
    view = content(tensor(storage(4, fields=(('1', 0, 2),)), 0, (2,), (1,)))
    count = struct.pack('<q', 4)
    return {
        **files,
        'old_huge_numel': (old(huge, '0', count + _NUMBERS), 'allocate|wrong byte size'),
        'old_view': (old(view, '0', count + _NUMBERS), 'tensors of 8 bytes, and the file has 16'),
        'old_other_count': (old(whole, '0', struct.pack('<q', 5) + _NUMBERS), 'wrong byte size'),
        'old_huge_text': (old(PROTO + b'\x8d' + b'\xff' * 7 + b'\x0f'), 'damaged|BINUNICODE8'),
        'old_huge_bytes': (old(PROTO + b'\x8e' + b'\xff' * 6 + bytes(2)), 'damaged|BINBYTES8'),
        'old_cut_short': (old(whole, '0', count + _NUMBERS[:-1]), 'unexpected EOF'),
        'old_other_keys': (old(whole, '1', count + _NUMBERS), 'AssertionError'),
    }


def _others() -> Files:
    """Files that torch itself can load, and checkpoints do not need."""
    at = torch.tensor([[0]])
    sparse = torch.sparse_coo_tensor(at, torch.ones(1), (5,), check_invariants=True)
    values = {
        'sparse': (sparse, '_rebuild_sparse_tensor'),
        'meta': (torch.ones(3, device='meta'), '_rebuild_meta_tensor_no_storage'),
        'module': (torch.nn.Linear(1, 1), r'torch\.nn'),
        'device': (torch.device('cpu'), r'torch\.device'),
        'dtype': (torch.float32, r'torch\.float32'),
        'bytearray': (bytearray(3), 'bytearray'),
        'layout': (torch.strided, 'torch.*layout'),
    }
    invalid = group(
        call('torch.serialization _get_layout', 'torch.sparse_coo'),
        group(plain(9), plain(9), plain((5,)), plain(True)),
    )
    files = {
        f'kind_{family}': (saved(OrderedDict(state_dict={}, meta=value)), pattern)
        for family, (value, pattern) in values.items()
    }
    part = call('torch._utils _rebuild_sparse_tensor', steps=invalid)
    return {**files, 'kind_invalid_sparse': (zipped(content(part)), '_rebuild_sparse_tensor')}
