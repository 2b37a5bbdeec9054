"""The file of a run's log, whose logger mmengine keeps until the process ends."""

from logging import FileHandler
from pathlib import Path

import pytest
from exact_runs import make_config, train
from mmengine.logging import MMLogger

from mmpose_lite.engine import PoseRunner

pytestmark = pytest.mark.usefixtures('as_new_process')


def test_it_is_closed_when_the_run_is_over_and_has_what_comes_later(tmp_path):
    runner = train(make_config(tmp_path), tmp_path / 'run')
    files = [each for each in runner.logger.handlers if isinstance(each, FileHandler)]
    assert len(files) == 1
    assert files[0].stream is None
    before = Path(files[0].baseFilename).read_text()
    assert 'Epoch(train)' in before
    runner.logger.info('a line that comes later')
    after = Path(files[0].baseFilename).read_text()
    assert after.startswith(before)
    assert after.rstrip().endswith('a line that comes later')


@pytest.mark.filterwarnings('ignore:.*instance named of visualizer')
def test_runs_that_go_on_leave_no_file_open(tmp_path):
    cfg = make_config(tmp_path)
    train(cfg, tmp_path / 'run')
    for epochs in (4, 5):
        cfg.train_cfg.max_epochs = epochs
        train(cfg, tmp_path / 'run', resume=True)
    kept = [each for logger in MMLogger._instance_dict.values() for each in logger.handlers]
    files = [each for each in kept if isinstance(each, FileHandler)]
    assert len(files) >= 1
    assert all(each.stream is None for each in files)


@pytest.mark.filterwarnings('ignore:.*instance named of visualizer')
def test_runs_that_begin_within_a_second_share_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.runner.runner.time.strftime', lambda *_: '20260101_000000')
    cfg = make_config(tmp_path)
    cfg.work_dir = str(tmp_path / 'run')
    first, second = PoseRunner.from_cfg(cfg), PoseRunner.from_cfg(cfg)
    assert first.timestamp != second.timestamp
    assert first.logger is not second.logger
    assert first.message_hub is not second.message_hub
    assert len(list(tmp_path.glob('run/*/*.log'))) == 2
