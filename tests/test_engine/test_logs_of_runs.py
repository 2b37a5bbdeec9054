"""The file of a run's log, whose logger mmengine keeps until the process ends."""

from logging import FileHandler
from pathlib import Path

import pytest
from exact_runs import make_config, train
from mmengine.logging import MMLogger

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
