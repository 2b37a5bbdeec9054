"""Damaged checkpoints are refused before a tensor is used, and a run resumes from the one before.

The suite has a share of the damages; all 10,000 of them and 1,000 loads of a sound file are made
by ``--whole``.
"""

import logging
import os
import random

import pytest
import torch

from helpers import exact_runs
from helpers.exact_runs import contents, digests, make_config
from mmpose_lite.checkpoints import latest, read_checkpoint
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.checkpoints.writing import remove_parts, write_checkpoint
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.errors import InputError

SHARE = 0.05
FLIPS, TRUNCATIONS, BLOCKS, LOADS = 7000, 1500, 1500, 1000


def content(iterations):
    generator = torch.Generator().manual_seed(iterations)
    return {
        'meta': {'mmpose_lite': '0', 'iter': iterations, 'epoch': iterations, 'seed': 0},
        'state_dict': {f'w{i}': torch.randn(20, 7, generator=generator) for i in range(4)},
        'optimizer': {'state': {0: {'step': torch.tensor(float(iterations))}}},
        'message_hub': {'log_scalars': {}, 'runtime_info': {'best_score': 0.5}},
    }


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    write_checkpoint(content(1), str(path), resumable=True)
    return path.read_bytes()


def flipped(whole_file, draw):
    damaged = bytearray(whole_file)
    damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def truncated(whole_file, draw):
    return whole_file[: draw.randrange(len(whole_file))]


def zeroed(whole_file, draw):
    while True:
        size = draw.choice((16, 64, 512, 4096))
        begin = draw.randrange(len(whole_file))
        damaged = whole_file[:begin] + bytes(size) + whole_file[begin + size :]
        damaged = damaged[: len(whole_file)]
        if damaged != whole_file:
            return damaged


def refusal(path):
    try:
        read_checkpoint(str(path))
    except InputError as error:
        return str(error)
    return ''


@pytest.mark.parametrize(
    ('damage', 'count'), [(flipped, FLIPS), (truncated, TRUNCATIONS), (zeroed, BLOCKS)]
)
def test_damage_is_refused(damage, count, sound, tmp_path, whole):
    draw, path = random.Random(count), tmp_path / 'epoch_2.pth'
    accepted = []
    for number in range(count if whole else int(SHARE * count)):
        path.write_bytes(damage(sound, draw))
        if 'epoch_2.pth' not in refusal(path):
            accepted.append(number)
    assert accepted == []


def test_no_bit_of_the_seal_can_be_flipped(sound, tmp_path):
    """Nor of the zip's last record before it."""
    path = tmp_path / 'epoch_2.pth'
    for place in range(len(sound) - 256 - 22, len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            read_checkpoint(str(path))


def test_sound_files_are_read(tmp_path, whole):
    for number in range(LOADS if whole else int(SHARE * LOADS)):
        path = tmp_path / f'epoch_{number}.pth'
        write_checkpoint(content(number), str(path), resumable=True)
        found = read_checkpoint(str(path))
        for name, tensor in content(number)['state_dict'].items():
            assert torch.equal(found['state_dict'][name], tensor)
        assert find_latest(str(tmp_path), pytest.fail) == str(path)
        path.unlink()


@pytest.mark.parametrize('damage', [flipped, truncated, zeroed])
def test_the_one_before_is_found(damage, tmp_path, whole):
    draw = random.Random(0)
    for number in (1, 2, 3):
        write_checkpoint(content(number), str(tmp_path / f'epoch_{number}.pth'), resumable=True)
    write_checkpoint(content(9), str(tmp_path / 'best_NME_epoch_3.pth'), resumable=False)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_3.pth'))
    last = tmp_path / 'epoch_3.pth'
    sound_file = last.read_bytes()
    for _ in range(500 if whole else 40):
        last.write_bytes(damage(sound_file, draw))
        told = []
        assert find_latest(str(tmp_path), told.append) == str(tmp_path / 'epoch_2.pth')
        assert len(told) == 1
        assert told[0].startswith('passed over: checkpoint ')
        assert 'epoch_3.pth' in told[0]
        assert '\n' not in told[0]


def test_nothing_sound_is_an_error(tmp_path):
    for number in (1, 2):
        path = tmp_path / f'epoch_{number}.pth'
        write_checkpoint(content(number), str(path), resumable=True)
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match='2 checkpoints, and none of them is sound'):
        find_latest(str(tmp_path), lambda text: None)


def test_files_of_others_are_passed_over_in_silence(tmp_path):
    """A file without a footer is damaged only where it has the name of one of the run's."""
    write_checkpoint(content(1), str(tmp_path / 'epoch_1.pth'), resumable=True)
    foreign = ['hrnetv2_w18.pth', 'epoch_1-0123abcd.pth', 'epoch_last.pth', 'my_epoch_7.pth']
    own = ['epoch_9.pth', 'iter_7.pth']
    for name in [*foreign, *own]:
        torch.save(content(2), tmp_path / name)
    told = []
    hook = CheckpointHook(by_epoch=True)
    assert find_latest(str(tmp_path), told.append, hook.is_own) == str(tmp_path / 'epoch_1.pth')
    assert [line.split("'")[1].rpartition('/')[2] for line in told] == own
    assert all('is damaged: it has no checksum footer' in line for line in told)


def make_foreign(path, kind):
    """Things that have a checkpoint's name, and are none."""
    if kind == 'folder':
        path.mkdir()
    elif kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'sparse':
        with path.open('wb') as file:
            file.truncate(1 << 40)
    else:
        path.symlink_to({'dangling': 'gone.pth', 'loop': path, 'device': '/dev/zero'}[kind])


KINDS = ('folder', 'pipe', 'dangling', 'loop', 'device', 'sparse')


@pytest.mark.parametrize('kind', KINDS)
def test_other_things_of_a_checkpoint_s_name(kind, tmp_path):
    """Under a name that the run itself would use they are passed over aloud."""
    is_own = CheckpointHook(by_epoch=True).is_own
    for name in ('backup.pth', 'epoch_9.pth', 'last_checkpoint', '.a.pth.part'):
        make_foreign(tmp_path / name, kind)
    count = 2 if kind == 'sparse' else 1  # without a footer, each file may be one of MMPose's
    with pytest.raises(InputError, match=f'{count} checkpoints, and none of them is sound'):
        find_latest(str(tmp_path), lambda text: None, is_own)
    path = tmp_path / 'epoch_1.pth'
    torch.save({**content(1), 'meta': {'iter': 1}}, path)
    assert find_latest(str(tmp_path), lambda text: None, is_own) == str(path)
    write_checkpoint(content(1), str(path), resumable=True)
    told = []
    assert find_latest(str(tmp_path), told.append, is_own) == str(path)
    (line,) = told
    assert "epoch_9.pth' is " in line or "epoch_9.pth' cannot be read" in line
    with pytest.raises(InputError, match=r"checkpoint '.*epoch_9\.pth' (is|cannot be read)"):
        read_checkpoint(str(tmp_path / 'epoch_9.pth'))
    assert remove_parts(str(tmp_path)) == ([] if kind == 'folder' else ['.a.pth.part'])


def test_a_file_that_nobody_may_read(tmp_path, monkeypatch):
    write_checkpoint(content(1), str(tmp_path / 'epoch_1.pth'), resumable=True)
    for name in ('epoch_2.pth', 'backup.pth'):
        (tmp_path / name).write_text('')

    def read_footer(path, read=latest.read_footer):
        if not path.endswith('epoch_1.pth'):
            raise PermissionError(13, 'Permission denied')
        return read(path)

    monkeypatch.setattr(latest, 'read_footer', read_footer)
    told = []
    is_own = CheckpointHook(by_epoch=True).is_own
    assert find_latest(str(tmp_path), told.append, is_own) == str(tmp_path / 'epoch_1.pth')
    (line,) = told
    assert line.endswith("epoch_2.pth' cannot be read: Permission denied")


def test_a_folder_is_no_checkpoint(tmp_path):
    (tmp_path / 'best.pth').write_text('')
    with pytest.raises(InputError, match=r'is a folder, not a file; it has best\.pth'):
        read_checkpoint(str(tmp_path))


def test_a_disk_that_cannot_read_a_file(tmp_path, monkeypatch):
    for number in (1, 2):
        write_checkpoint(content(number), str(tmp_path / f'epoch_{number}.pth'), resumable=True)

    def check(path):
        if path.endswith('epoch_2.pth'):
            raise OSError(5, 'Input/output error')

    monkeypatch.setattr('mmpose_lite.checkpoints.latest.check_footer', check)
    told = []
    assert find_latest(str(tmp_path), told.append) == str(tmp_path / 'epoch_1.pth')
    assert 'Input/output error' in told[0]


@pytest.mark.slow
def test_a_run_resumes_from_the_one_before(tmp_path, as_new_process):
    cfg = make_config(tmp_path, default_hooks__checkpoint__max_keep_ckpts=2)
    exact_runs.train(cfg, tmp_path / 'undisturbed')
    as_new_process()
    exact_runs.train(cfg, tmp_path / 'run')
    last = tmp_path / 'run' / 'epoch_3.pth'
    last.write_bytes(flipped(last.read_bytes(), random.Random(1)))
    as_new_process()
    exact_runs.train(cfg, tmp_path / 'run', resume=True)
    logs = sorted((tmp_path / 'run').glob('*/*.log'))
    lines = [line for log in logs for line in log.read_text().splitlines() if 'passed over' in line]
    assert len(lines) == 1
    assert logging.getLevelName(logging.WARNING) in lines[0]
    assert digests(last) == digests(tmp_path / 'undisturbed' / 'epoch_3.pth')
    assert contents(tmp_path / 'run') == contents(tmp_path / 'undisturbed')
