"""Options, markers and fixtures of all tests."""

import gc
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

# One thread for each pytest-xdist worker, and for each program that a test starts.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Tests read what runs log where it is printed; tests of the screen take this away.
os.environ.setdefault('MMPOSE_LITE_VERBOSE', '1')

import pytest
import torch
from mmengine.dataset import base_dataset

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for `helpers` and `planted_faults`

from helpers import processes as _processes  # noqa: E402
from helpers.in_process import forget_globals, run_main  # noqa: E402

# Networks this small are fastest with one, the more the busier the machine.
torch.set_num_threads(int(os.environ.get('MMPOSE_LITE_TEST_THREADS', '1')))

# Whole tables of reference numbers lie beside the checkout, where there are any. What must hold
# everywhere is in the other tests.
if not (HERE.parents[1] / 'shared' / 'golden').is_dir():
    collect_ignore_glob = ['*/test_*_golden.py']


def pytest_addoption(parser):
    parser.addoption(
        '--whole',
        action='store_true',
        help='run all cases of the tests that usually run a share of them',
    )


def pytest_configure(config):
    for line in (
        'slow: left out of `make test`; given to tests with `processes`, and to long ones',
        'quick(promise): start programs in `make test` all the same, for the sake of a promise',
    ):
        config.addinivalue_line('markers', line)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items):
    for item in items:
        if 'processes' in item.fixturenames and not item.get_closest_marker('quick'):
            item.add_marker('slow')


# mmengine collects garbage for each data set that it builds, and would look through all that
# thousands of tests have left: a third of a second each time.
base_dataset.gc = SimpleNamespace(collect=lambda: 0)


def pytest_collection_finish():
    # Nor need Python's own collections look through thousands of tests and modules.
    gc.collect()
    gc.freeze()


# What Python and mmengine start to describe the machine and the commit, and matplotlib, once, to
# find its fonts.
_DESCRIBING = re.compile(r'(git|uname|fc-list) .*|/bin/sh -c \S+ --version.*')
# The test that runs now, where it may start no other program.
_without_programs = []


def _refuse_programs(event, args):
    if event in ('subprocess.Popen', 'os.posix_spawn', 'os.system') and _without_programs:
        words = args[0:1] if event == 'os.system' else args[1]
        command = ' '.join(map(os.fsdecode, words))
        if not _DESCRIBING.fullmatch(command):
            pytest.fail(f'{_without_programs[-1]} starts {command}: it needs `processes`')


sys.addaudithook(_refuse_programs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    is_watched = not any(map(item.get_closest_marker, ('slow', 'quick')))
    _without_programs[:] = [item.nodeid] * is_watched
    try:
        return (yield)
    finally:
        _without_programs.clear()


@pytest.fixture(scope='session')
def processes():
    """Functions that start programs; a test that has them is slow unless it is marked as quick."""
    return _processes


@pytest.fixture(scope='session')
def whole(request) -> bool:
    """True if all cases are asked for, not only a share of them."""
    return request.config.getoption('--whole')


@pytest.fixture
def as_new_process(monkeypatch):
    """Forget loggers, visualizers and scopes, which mmengine keeps by name, before and after.

    The value is a function that does so once more, for a test of several runs.
    """
    # Laying out the text of its config would be most of a tiny run's time.
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda code, **_: (code, True))
    forget_globals()
    yield forget_globals
    forget_globals()


@pytest.fixture(scope='session')
def face_set(tmp_path_factory):
    """The folder of a tiny set in AFLW's form; tests read it and leave it as it is."""
    from helpers.data_factory import make_face_set

    return make_face_set(tmp_path_factory.mktemp('faces'))


@pytest.fixture(scope='session')
def tiny_config(tmp_path_factory, face_set):
    """A config that trains a tiny HRNet on that set; it lies outside the checkout."""
    from helpers.data_factory import write_tiny_config

    return write_tiny_config(tmp_path_factory.mktemp('config'), face_set)


@pytest.fixture(scope='session')
def trained(tmp_path_factory, tiny_config):
    """The folder, the last checkpoint and the log of a training that learns the set by heart.

    All pytest-xdist workers share it, and tests leave it as it is.
    """
    from filelock import FileLock

    from mmpose_lite.cli.train import main

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / 'trained'
    epochs = ['train_cfg.max_epochs=80', 'train_cfg.val_interval=40']
    epochs.append('default_hooks.checkpoint.interval=40')
    arguments = (tiny_config, '--work-dir', 'run', '--cfg-options', *epochs)
    with FileLock(f'{folder}.lock'):
        if not (folder / 'printed.txt').exists():
            folder.mkdir(exist_ok=True)
            printed = run_main(main, *arguments, cwd=folder)
            (folder / 'printed.txt').write_text(printed, encoding='utf-8')
    return SimpleNamespace(
        folder=folder / 'run',
        checkpoint=folder / 'run' / 'epoch_80.pth',
        printed=(folder / 'printed.txt').read_text(encoding='utf-8'),
    )
