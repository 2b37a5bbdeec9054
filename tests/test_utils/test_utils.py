"""Logger, stop watch and process set-up."""

import logging
import os
import time

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpose_lite.utils import (
    StopWatch,
    get_root_logger,
    register_all_modules,
    setup_multi_processes,
)


@pytest.fixture
def clean_scope(monkeypatch):
    monkeypatch.setattr(DefaultScope, '_instance_dict', {})


@pytest.fixture
def clean_logger():
    logger = logging.getLogger('mmpose_lite')
    before, logger.handlers = logger.handlers, []
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers = before


@pytest.mark.usefixtures('clean_scope')
class TestRegisterAllModules:
    def test_makes_our_scope_current(self):
        register_all_modules()
        assert DefaultScope.get_current_instance().scope_name == 'mmpose_lite'

    def test_leaves_the_scope_alone_if_told_so(self):
        register_all_modules(init_default_scope=False)
        assert DefaultScope.get_current_instance() is None

    def test_warns_when_it_replaces_another_scope(self):
        for name in ('first', 'second'):  # also when ours was there before
            DefaultScope.get_instance(name, scope_name='other')
            with pytest.warns(UserWarning, match='"other" is not "mmpose_lite"'):
                register_all_modules()
            assert DefaultScope.get_current_instance().scope_name == 'mmpose_lite'


@pytest.mark.usefixtures('clean_logger')
class TestRootLogger:
    def test_writes_to_the_file_once(self, tmp_path):
        for _ in range(2):
            logger = get_root_logger(tmp_path / 'log.txt')
        logger.info('hello')
        assert (tmp_path / 'log.txt').read_text().count('hello') == 1

    def test_the_screen_has_messages_alone(self, capsys, monkeypatch):
        monkeypatch.setattr(logging.getLogger('mmpose_lite'), 'handlers', [])  # also pytest's
        logger = get_root_logger()
        logger.info('read')
        logger.warning('odd')
        assert capsys.readouterr().err == 'read\nWARNING: odd\n'

    def test_other_ranks_show_errors_only(self, monkeypatch):
        monkeypatch.setenv('RANK', '1')
        assert get_root_logger().level == logging.ERROR


def test_stop_watch_averages_over_its_window(monkeypatch):
    ticks = iter([0.0, 1.0, 1.0, 1.0 + 0.2, 2.0, 2.0 + 0.4, 3.0, 3.0 + 0.5])
    monkeypatch.setattr(time, 'perf_counter', lambda: next(ticks))
    watch = StopWatch(window=2)
    for _ in range(3):
        with watch.timeit('load'):
            pass
    with watch.timeit():
        pass
    assert watch.report('load') == pytest.approx(300)  # of 1000, 200 and 400 the last two
    assert watch.report_strings() == ['FPS:   2.0', 'load:   300']
    watch.reset()
    assert watch.report() == {}


@pytest.mark.parametrize(
    'cfg',
    [
        {'env_cfg': {'mp_cfg': {'opencv_num_threads': 3}}, 'train_dataloader': {'num_workers': 2}},
        {'opencv_num_threads': 3, 'data': {'workers_per_gpu': 2}},
    ],
    ids=['1.x', '0.x'],
)
def test_setup_multi_processes_limits_the_workers(monkeypatch, cfg):
    seen = {}
    monkeypatch.setattr('cv2.setNumThreads', lambda count: seen.update(opencv=count))
    monkeypatch.setattr('torch.multiprocessing.set_start_method', lambda *a, **_: seen.update(a=a))
    monkeypatch.setattr('torch.multiprocessing.get_start_method', lambda **_: None)
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    with pytest.warns(UserWarning, match='NUM_THREADS'):
        setup_multi_processes(Config(cfg))
    assert seen == {'opencv': 3, 'a': ('fork',)}
    assert os.environ['OMP_NUM_THREADS'] == os.environ['MKL_NUM_THREADS'] == '1'
