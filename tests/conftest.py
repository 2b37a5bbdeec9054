"""What the tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for `helpers` and `planted_faults`

# Networks this small are fastest with one, the more the busier the machine.
torch.set_num_threads(int(os.environ.get('MMPOSE_LITE_TEST_THREADS', '1')))

# Whole tables of reference numbers lie beside the checkout, where there are any. What must hold
# everywhere is in the other tests.
if not (HERE.parents[1] / 'shared' / 'golden').is_dir():
    collect_ignore_glob = ['*/test_*_golden.py']


def pytest_addoption(parser):
    parser.addoption(
        '--whole', action='store_true', help='all cases of the tests that else run a share of them'
    )


@pytest.fixture(scope='session')
def whole(request) -> bool:
    """Whether all cases are asked for, not only a share of them."""
    return request.config.getoption('--whole')


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_subclasses(child)


@pytest.fixture
def as_new_process(monkeypatch):
    """Forget loggers, visualizers and scopes, which mmengine keeps by name, before and after.

    The value is a function that does so once more, for a test of several runs.
    """

    def forget():
        for logger in MMLogger._instance_dict.values():
            for handler in logger.handlers:
                handler.close()
        for manager in (MMLogger, MessageHub, Visualizer, DefaultScope):
            for kind in _with_subclasses(manager):
                kind._instance_dict.clear()

    # Laying out the text of its config would be most of a tiny run's time.
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda code, **_: (code, True))
    forget()
    yield forget
    forget()


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
    """A run of tools/train.py that learns the set by heart: its folder and what it printed."""
    from helpers.run_tool import run_tool

    folder = tmp_path_factory.mktemp('trained')
    epochs = ['train_cfg.max_epochs=80', 'train_cfg.val_interval=40']
    epochs.append('default_hooks.checkpoint.interval=40')
    printed = run_tool(
        'train.py', tiny_config, '--work-dir', 'run', '--cfg-options', *epochs, cwd=folder
    )
    return SimpleNamespace(
        folder=folder / 'run', checkpoint=folder / 'run' / 'epoch_80.pth', printed=printed
    )
