"""Checkpoints with bytes changed at random: each is read, or refused with one kind of error."""

import io
import random
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from pickling import saved, zipped

from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.errors import InputError

CONTENT = {
    'state_dict': OrderedDict(weight=torch.arange(12.0).reshape(3, 4), count=torch.tensor(3)),
    'meta': {
        'epoch': 3,
        'config': 'a = 1',
        'milestones': Counter([1, 1]),
        'dataset_meta': {'sigmas': np.ones(3), 'name': 'aflw', 'id': np.int64(3), 'kinds': {1, 2}},
    },
    'message_hub': {
        'log_scalars': {'loss': HistoryBuffer([1.0, 2.0], [1, 1])},
        'runtime_info': {'cfg': 'a = 1', 'best_ckpt': 'x'},
        'resumed_keys': {'loss': True},
    },
}


def mutate(value, rng):
    """Change, drop, repeat or exchange a few bytes."""
    content = bytearray(value)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = rng.randrange(len(content))
        kind = rng.randrange(5)
        if kind == 0:
            content[place] = rng.randrange(256)
        elif kind == 1:
            content[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del content[place : place + rng.randrange(1, 9)]
        elif kind == 3:
            content[place:place] = content[place : place + rng.randrange(1, 30)]
        else:
            # A step of pickles, where there may have been another.
            content[place] = rng.choice(b'()].}0123RbcdeghijlopqrstuQPX\x80\x81\x85\x86\x87\x93')
        content = content or bytearray(b'.')
    return bytes(content)


def files():
    """Of each way to carry a pickle: how to make a file of a mutated one."""
    whole, old = saved(CONTENT), saved(CONTENT, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        folder = archive.namelist()[0].partition('/')[0]
        pickled = archive.read(f'{folder}/data.pkl')
        names = [each for each in archive.namelist() if '/data/' in each]
        tensors = [(each.partition('/')[2], archive.read(each)) for each in names]
    return {
        'zip': lambda rng: mutate(whole, rng),
        # The zip fits what is in it: only the pickle is wrong.
        'pickle': lambda rng: zipped(mutate(pickled, rng), tensors),
        'old': lambda rng: mutate(old, rng),
    }


@pytest.mark.parametrize('kind', ['zip', 'pickle', 'old'])
def test_changed_files_are_read_or_refused(tmp_path, kind, recwarn):
    path, rng, make = tmp_path / 'x.pth', random.Random(kind), files()[kind]
    path.write_bytes(saved(CONTENT))
    assert read_checkpoint(str(path))['meta']['epoch'] == 3
    refusals = []
    for _ in range(1000):
        path.write_bytes(make(rng))
        try:
            content = read_checkpoint(str(path))
        except InputError as error:
            refusals.append(str(error))
        else:
            assert isinstance(content, dict)
    assert len(refusals) > 300
    assert all(error.isprintable() for error in refusals)
    assert not [each for each in recwarn if 'torch' in str(each.message).lower()]
