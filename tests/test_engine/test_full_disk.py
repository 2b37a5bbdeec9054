"""A limit of file sizes and a full disk: the save fails in words, and what was there stands."""

import resource
import shutil
import signal
import sys
import textwrap

import pytest
import torch

from helpers.processes import ROOT, Child
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.writing import SaveError, write_checkpoint


def large(value):
    return {'meta': {'iter': value}, 'state_dict': {'weight': torch.full((1 << 18,), float(value))}}


def test_a_limit_of_file_sizes(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    write_checkpoint(large(1), str(path), resumable=True)

    def save():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
        with pytest.raises(SaveError, match='File too large'):
            write_checkpoint(large(2), str(tmp_path / 'epoch_2.pth'), resumable=True)
        with pytest.raises(SaveError, match='File too large'):
            write_checkpoint(large(2), str(path), resumable=True)

    assert Child(save).status() == 0
    assert list(tmp_path.iterdir()) == [path]
    assert read_checkpoint(str(path))['meta']['iter'] == 1


FULL_DISK = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}, {here!r}]
from test_full_disk import SaveError, large, write_checkpoint
from mmpose_lite.checkpoints.latest import find_latest
saved = 0
try:
    for count in range(1, 10):
        write_checkpoint(large(count), f'{disk}/epoch_{{count}}.pth', resumable=True)
        saved = count
except SaveError as error:
    print(error)
assert 1 <= saved < 9, saved
names = sorted(path.name for path in Path('{disk}').iterdir())
assert names == [f'epoch_{{count}}.pth' for count in range(1, saved + 1)], names
assert find_latest('{disk}', print) == f'{disk}/epoch_{{saved}}.pth'
"""


def test_a_full_disk(processes, tmp_path):
    """1 MiB each, on a disk of 4 MiB."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    mount = ['unshare', '-rm', 'sh', '-c', f'mount -t tmpfs -o size=4m tmpfs {disk} && "$@"', 'sh']
    if not shutil.which('unshare') or processes.run(*mount, 'true', cwd=tmp_path).status:
        pytest.skip('this system lets nobody mount a disk of their own')
    here = ROOT / 'tests'
    text = FULL_DISK.format(
        root=str(ROOT), tests=str(here), here=str(here / 'test_engine'), disk=disk
    )
    done = processes.run(*mount, sys.executable, '-c', textwrap.dedent(text), cwd=tmp_path)
    assert done.status == 0, done.printed
    assert done.printed.count('No space left on device') == 1
