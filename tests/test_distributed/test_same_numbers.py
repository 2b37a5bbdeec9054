"""Any number of ranks gives the same numbers and the same predictions."""

import json
import pickle
import sys

import numpy as np
import pytest
import torch

from helpers.processes import FAULTS, ROOT
from mmpose_lite.evaluation.metrics.dump_results import decode, encode

WORLDS = (1, 2, 3, 8)


@pytest.fixture(scope='module')
def folder(processes, tmp_path_factory, tiny_config, untrained):
    """Folder in which tests of five faces by 1, 2, 3 and 8 ranks left their files."""
    folder = tmp_path_factory.mktemp('numbers')
    script = FAULTS / 'evaluating_ranks.py'
    command = (sys.executable, script, tiny_config, untrained, folder, *WORLDS)
    done = processes.run(*command, cwd=folder, PYTHONPATH=str(ROOT))
    assert done.status == 0, done.printed
    return folder


def numbers(folder, world):
    return json.loads((folder / f'{world}.json').read_text())


@pytest.mark.parametrize('world', WORLDS[1:])
def test_numbers_do_not_depend_on_the_ranks(folder, world):
    one, several = numbers(folder, 1), numbers(folder, world)
    assert set(several) == set(one) == {'NME', 'NME_frontal'}
    assert one['NME'] != one['NME_frontal']
    for name, value in one.items():
        assert several[name] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize('world', WORLDS[1:])
def test_dumps_do_not_depend_on_the_ranks(folder, world):
    one, several = (pickle.loads((folder / f'{w}.pkl').read_bytes()) for w in (1, world))
    assert [sample['id'] for sample in several] == [1, 2, 3, 4, 5]
    for mine, theirs in zip(one, several, strict=True):
        assert_alike(mine, theirs)


def assert_alike(one, other):
    """The same types, and the same values to the last bits."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    elif isinstance(one, torch.Tensor):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    elif isinstance(one, np.ndarray) and one.dtype.kind == 'f':
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()
    else:
        assert one == other


def test_nothing_goes_through_a_folder(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {f'{w}{end}' for w in WORLDS for end in ('', '.json', '.pkl')}


@pytest.mark.parametrize(
    'value',
    [
        {'a': (1, 2.5, None, True), 3: ['x', []], 'nested': {'dict': {'tuple': ()}}},
        {'points': np.arange(6, dtype=np.float32).reshape(1, 3, 2), 'none': np.zeros((0, 4))},
        {'one': np.float64(0.1), 'flag': np.bool_(True), 'text': np.array(['ab', 'c'])},
        {'map': torch.arange(4).reshape(2, 2), 'half': torch.ones(2, dtype=torch.bfloat16)},
        {'nan': float('nan'), 'big': 10**20},
    ],
)
def test_samples_come_through_json_as_they_were(value):
    back = decode(json.loads(json.dumps(encode(value))))
    if 'nan' in value:
        assert np.isnan(back.pop('nan'))
        value.pop('nan')
    assert_alike(value, back)


def test_other_things_are_refused_by_name():
    with pytest.raises(TypeError, match=r'holds a \w*Path'):
        encode({'file': ROOT})
    with pytest.raises(TypeError, match='ndarray'):
        encode(np.array([object()]))
