"""Hostile files are refused before anything of them is built; one line names what is wrong."""

import resource

import pytest
import torch
from hostile import harmless_files, hostile_files, shown
from hostile_calls import hostile_calls
from pickling import call, content, old, plain, write, zipped

from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.errors import InputError

FILES = hostile_files('canary')
CALLS = [each for calls in hostile_calls('canary').values() for each in calls]


def test_there_are_enough_families():
    assert len(FILES) >= 120
    assert len(hostile_calls('canary')) >= 50
    assert len(CALLS) >= 130


@pytest.mark.parametrize('family', FILES)
def test_a_hostile_file_is_refused(tmp_path, monkeypatch, family):
    monkeypatch.chdir(tmp_path)
    value, pattern = FILES[family]
    path = write(tmp_path / 'files', {family: value})[family]
    with pytest.raises(InputError, match=pattern) as caught:
        read_checkpoint(str(path))
    assert str(caught.value).startswith(f"checkpoint '{path}'")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / 'canary').exists()


@pytest.mark.parametrize('pack', [zipped, old])
@pytest.mark.parametrize(('function', 'arguments'), CALLS, ids=[each[0] for each in CALLS])
def test_a_function_is_refused_and_named(tmp_path, pack, function, arguments):
    path = tmp_path / 'evil.pth'
    path.write_bytes(pack(content(call(function, *arguments))))
    with pytest.raises(InputError, match=rf'evil\.pth.*{shown(function)}.* \(at meta\)'):
        read_checkpoint(str(path))


@pytest.mark.parametrize('family', harmless_files())
def test_an_odd_file_without_harm_is_plain_data(tmp_path, family):
    value, meta = harmless_files()[family]
    path = write(tmp_path / 'files', {family: value})[family]
    read = read_checkpoint(str(path))['meta']
    assert type(read) is type(meta)
    assert torch.equal(read, meta) if isinstance(meta, torch.Tensor) else read == meta


def test_the_place_of_what_is_refused_is_one_short_line(tmp_path):
    """Keys are the file's own text: no line breaks or colours of theirs reach a log."""
    path = tmp_path / 'evil.pth'
    part = b'}' + b'X' + (400).to_bytes(4, 'little') + b'\x1b[31m\n' * 50
    part += b'x' * 100 + call('os system', 'true') + b's'
    path.write_bytes(zipped(content(part)))
    with pytest.raises(InputError, match=r'os\.system') as caught:
        read_checkpoint(str(path))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400 + len(str(path))


def test_memory_does_not_follow_what_a_file_says(tmp_path):
    """Sizes are compared with the file before room is made."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large = [each for each in FILES if 'huge' in each or 'stride_0' in each or 'laughs' in each]
    assert len(large) >= 6
    for path in write(tmp_path / 'files', {each: FILES[each][0] for each in large}).values():
        with pytest.raises(InputError):
            read_checkpoint(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


SAME_HASH = [number * ((1 << 61) - 1) for number in range(10, 3010)]
COLLIDING = {
    'dict': plain(dict.fromkeys(SAME_HASH[:1500])),
    'OrderedDict': call('collections OrderedDict', [(key, 0) for key in SAME_HASH[:1500]]),
    'set': call('builtins set', SAME_HASH[:1500]),
    'below zero': plain({-key: 0 for key in SAME_HASH[:1500]}),
    'two dicts': plain([dict.fromkeys(SAME_HASH[:600]), dict.fromkeys(SAME_HASH[600:1200])]),
}


@pytest.mark.parametrize('pack', [zipped, old])
@pytest.mark.parametrize('kind', COLLIDING)
def test_keys_of_one_hash_are_refused(tmp_path, pack, kind):
    """A dict of them takes time with the square of their number."""
    path = tmp_path / 'keys.pth'
    path.write_bytes(pack(content(COLLIDING[kind])))
    with pytest.raises(InputError, match=r'keys\.pth.*more than 1000 integers above 64 bits'):
        read_checkpoint(str(path))


def test_a_few_wide_integers_and_many_plain_ones_are_read(tmp_path):
    """A generator of numpy has some of 128 bits, optimizers have many keys."""
    path = tmp_path / 'sound.pth'
    values = {'wide': [1 << 127] * 2 + SAME_HASH[:900], 'keys': dict.fromkeys(range(-5, 5000))}
    values['keys'] |= dict.fromkeys([2**63 - 1, -(2**63), 2**64 - 1])
    path.write_bytes(zipped(content(plain(values))))
    assert read_checkpoint(str(path))['meta'] == values
