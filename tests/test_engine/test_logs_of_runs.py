"""The log of a run is its own, also where another run of the process is named alike."""

import gc
import json
import re
import time
from logging import FileHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from helpers.exact_runs import make_config, train
from mmpose_lite.engine import PoseRunner

pytestmark = pytest.mark.usefixtures('as_new_process')

TABLES = (MMLogger, MessageHub, Visualizer, DefaultScope)


def files_of(logger):
    return [each for each in logger.handlers if isinstance(each, FileHandler)]


def test_its_file_is_closed_when_it_is_over_and_has_what_comes_later(tmp_path):
    runner = train(make_config(tmp_path), tmp_path / 'run')
    files = files_of(runner.logger)
    assert len(files) == 1
    assert files[0].stream is None
    before = Path(files[0].baseFilename).read_text()
    assert 'Epoch(train)' in before
    assert re.findall(r'(?:^|INFO - )lr\b.*', before, re.MULTILINE) == [
        'lr          0.01 (Adam), meant for a batch of 512: --auto-scale-lr makes it 7.813e-05'
    ]
    of_lines = re.findall(r'Epoch\(train\).*', before)
    assert [line.count('lr: ') for line in of_lines] == [1] * len(of_lines)
    runner.logger.info('a line that comes later')
    after = Path(files[0].baseFilename).read_text()
    assert after.startswith(before)
    assert after.rstrip().endswith('a line that comes later')


@pytest.fixture
def same_second(monkeypatch):
    """Make all runs begin in one second, by which mmengine names them."""
    clock = SimpleNamespace(
        time=time.time, localtime=time.localtime, strftime=lambda *_: '20260101_000000'
    )
    monkeypatch.setattr('mmengine.runner.runner.time', clock)


def build(tmp_path, name):
    cfg = make_config(tmp_path)
    cfg.work_dir = str(tmp_path / name)
    return PoseRunner.from_cfg(cfg)


@pytest.mark.usefixtures('same_second')
def test_two_runs_share_nothing(tmp_path):
    """In two folders, and in one; the configs name their visualizers alike."""
    runners = [build(tmp_path, name) for name in ('one', 'two', 'two')]
    for number, runner in enumerate(runners):
        runner.logger.info(f'line {number}')
        runner.visualizer.add_scalars({'number': number}, step=1)
        runner.message_hub.update_scalar('train/number', number)
        assert Visualizer.get_instance(runner.visualizer.instance_name) is not None
    folders = [Path(runner.log_dir) for runner in runners]
    assert [str(folder.relative_to(tmp_path)) for folder in folders] == [
        *('one/20260101_000000', 'two/20260101_000000_1', 'two/20260101_000000_2')
    ]
    for number, (runner, folder) in enumerate(zip(runners, folders, strict=True)):
        logged = (folder / f'{folder.name}.log').read_text()
        assert [f'line {each}' in logged for each in range(3)] == [
            each == number for each in range(3)
        ]
        rows = (folder / 'vis_data' / 'scalars.json').read_text().splitlines()
        assert [json.loads(row)['number'] for row in rows] == [number]
        assert list(runner.message_hub.get_scalar('train/number').data[0]) == [number]
    assert Visualizer.get_current_instance() is runners[-1].visualizer
    assert MMLogger.get_current_instance() is runners[-1].logger
    assert MessageHub.get_current_instance() is runners[-1].message_hub


def test_a_visualizer_that_is_given_is_the_caller_s(tmp_path):
    mine = Visualizer.get_instance('mine')
    cfg = make_config(tmp_path)
    cfg.work_dir = str(tmp_path / 'run')
    runner = build(tmp_path, 'run')
    assert runner.build_visualizer(mine) is mine
    del runner
    gc.collect()
    assert Visualizer.get_instance('mine') is mine


def test_runs_leave_nothing_behind(tmp_path):
    """Neither an open file nor what mmengine keeps by its name."""
    train(make_config(tmp_path, train_cfg__max_epochs=1), tmp_path / 'run')
    loggers = list(MMLogger._instance_dict.values())
    assert all(file.stream is None for logger in loggers for file in files_of(logger))
    build(tmp_path, 'never_run')
    loggers = list(MMLogger._instance_dict.values())
    gc.collect()
    names = [set(table._instance_dict) - {'mmengine'} for table in TABLES]
    assert names == [set()] * len(TABLES)
    assert all(file.stream is None for logger in loggers for file in files_of(logger))
