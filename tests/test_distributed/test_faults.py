"""A rank that dies ends the run at once, leaves nothing behind, and is named; a restart resumes.

The suite has each kind and each place of failure once with two ranks, and one with eight. All of
them, with two and with eight ranks, take an hour on two cores (``--whole``).
"""

import hashlib
import os
import re
import signal
import time
from functools import cache
from pathlib import Path

import pytest

from helpers.processes import ROOT, left_behind
from mmpose_lite.checkpoints import read_checkpoint

# What the line about the rank says.
SAID = {
    'kill': r' was killed by SIGKILL',
    'raise': r': LookupError: made to fail',
    'exit0': r' ended with status 0 before it was done',
    'nan': r': the loss of iteration .* is not finite',
    'worker': r': .*DataLoader worker .* (killed by signal|exited unexpectedly)',
}
PLACES = ('init', 'forward', 'saving', 'validating')
FEW = [
    ('exit0', 'init', 1, 2),
    ('raise', 'forward', 0, 2),
    ('nan', 'forward', 1, 2),
    ('kill', 'saving', 0, 2),
    ('worker', 'validating', 1, 2),
    ('kill', 'validating', 7, 8),
]
ALL = [
    (kind, place, rank, world)
    for world in (2, 8)
    for kind in SAID
    for place in PLACES
    for rank in (0, world - 1)
]
WORKERS = [
    f'{loader}_dataloader.{option}'
    for loader in ('train', 'val')
    for option in ('num_workers=1', 'persistent_workers=True')
]


def pytest_generate_tests(metafunc):
    if 'kind' in metafunc.fixturenames:
        cases = ALL if metafunc.config.getoption('--whole') else FEW
        metafunc.parametrize(('kind', 'place', 'rank', 'world'), cases)


@pytest.fixture(scope='module')
def train(processes, faulty_config):
    """A function that starts to train for two epochs in a folder, with workers or without."""
    config = faulty_config('FaultHook')

    def start_in(folder, world, workers, *arguments, **variables):
        options = ['train_cfg.max_epochs=2', 'default_hooks.checkpoint.interval=1']
        options += WORKERS if workers else []
        command = (ROOT / 'tools' / 'dist_train.sh', config, world, '--work-dir', 'run')
        marked = {'MARK': str(folder), **variables}
        return processes.start(
            *command, *arguments, '--cfg-options', *options, cwd=folder, **marked
        )

    return start_in


@pytest.fixture(scope='module')
def undisturbed(processes, train, tmp_path_factory):
    """A function that gives the weights that a number of ranks ends with."""

    @cache
    def weights(world):
        folder = tmp_path_factory.mktemp(f'undisturbed{world}')
        done = processes.finish(train(folder, world, False))
        assert done.status == 0, done.printed
        return digest(folder)

    return weights


def digest(folder: Path) -> str:
    """SHA-256 of the weights and of the optimizer's memory at the end."""
    content = read_checkpoint(str(folder / 'run' / 'epoch_2.pth'))
    found = hashlib.sha256()
    tensors = [*content['state_dict'].values()]
    tensors += [each for state in content['optimizer']['state'].values() for each in state.values()]
    for tensor in tensors:
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def shared_memory() -> set[str]:
    """Names that torch and Python have in shared memory; others use it too."""
    return {name for name in os.listdir('/dev/shm') if name.startswith(('torch_', 'psm_'))}


def test_a_failure_ends_the_run_and_a_restart_resumes(
    processes, tmp_path, train, undisturbed, kind, place, rank, world
):
    shared = shared_memory()
    fault = {'FAULT': f'{kind}:{place}:{rank}', 'FAULT_AT': str(tmp_path / 'when')}
    done = processes.finish(train(tmp_path, world, kind == 'worker', **fault))
    ended = time.time()
    assert done.status not in (0, None), done.printed
    named = re.findall(rf'^error: (rank \d+ of {world}.*)', done.printed, flags=re.MULTILINE)
    assert len(named) == 1, done.printed
    assert re.match(f'rank {rank} of {world}' + SAID[kind], named[0]), done.printed
    assert len(re.findall(r'rank \d+ of \d', done.printed)) == 1, done.printed
    assert ended - float((tmp_path / 'when').read_text()) < 30
    assert left_behind(f'MARK={tmp_path}') == []
    assert shared_memory() <= shared

    again = processes.finish(train(tmp_path, world, kind == 'worker', '--resume'))
    assert again.status == 0, again.printed
    assert digest(tmp_path) == undisturbed(world)


def test_a_signal_saves_and_a_restart_resumes(processes, tmp_path, train, undisturbed):
    process = train(tmp_path, 2, False)
    seen = ''
    while 'Epoch(train)' not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    process.send_signal(signal.SIGTERM)
    done = processes.finish(process)
    assert done.status == 128 + signal.SIGTERM, seen + done.printed
    assert done.printed.count('stopped by SIGTERM') == 1, done.printed
    assert 'rank' not in done.printed.splitlines()[-1]
    assert left_behind(f'MARK={tmp_path}') == []

    again = processes.finish(train(tmp_path, 2, False, '--resume'))
    assert again.status == 0, again.printed
    assert digest(tmp_path) == undisturbed(2)
