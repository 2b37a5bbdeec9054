"""The screen of a run: a head, a line a validation, the next command. The log has the rest."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from helpers.exact_runs import make_config, train
from helpers.in_process import run_main
from mmpose_lite.cli.train import main as train_command
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.base_runner import BaseRunner
from mmpose_lite.engine.hooks.screen_hook import ScreenHook, _in_words, _mean_shape_nme
from mmpose_lite.engine.run_log import FILE_ONLY, use_screen
from mmpose_lite.utils.progress import lasting_console

pytestmark = pytest.mark.usefixtures('as_new_process')


@pytest.fixture(autouse=True)
def _as_users_have_it(monkeypatch):
    monkeypatch.delenv('MMPOSE_LITE_VERBOSE')
    # A busy machine takes so long that a line of the bar would stand between the others.
    monkeypatch.setattr('mmpose_lite.utils.progress._FIRST_S', 1e9)


def log_of(folder):
    (file,) = folder.glob('*/*.log')
    return file.read_text(encoding='utf-8')


def test_a_training_has_a_screen_and_its_log_has_everything(tmp_path, capsys):
    train(make_config(tmp_path, train_cfg__max_epochs=2), tmp_path / 'run')
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if not line.startswith('WARNING')]
    assert len(lines) < 20
    names = [line.split()[0] for line in lines]
    for name in ('data', 'network', 'weights', 'device', 'batch', 'lr', 'warm-up', 'work'):
        assert names.count(name) == 1
    checks = [line for line in lines if line.startswith('epoch ')]
    assert [line.partition(':')[0] for line in checks] == ['epoch 1/2', 'epoch 2/2']
    for line in checks:
        assert 'NME' in line
        assert '(best NME' in line
        assert 'mean shape 8.97 %' in line
    assert lines[-1].startswith('best NME ')
    log = log_of(tmp_path / 'run')
    for text in (
        'System environment',
        'Config:',
        'Hooks, in their order',
        'config rewritten',
        'Epoch(train)',
        'Epoch(val)',
        'best epoch 2 of 2',
        'data        aflw',
    ):
        assert text in log
        assert text not in printed or text.startswith('data')


def test_numbers_of_a_validation_are_those_of_the_log(tmp_path, capsys):
    runner = train(make_config(tmp_path, train_cfg__max_epochs=1), tmp_path / 'run')
    error = runner.message_hub.get_info('last_validation')['metrics']['NME']
    assert f'epoch 1/1: NME {100 * error:.2f} %, ' in capsys.readouterr().out


def test_verbose_prints_the_whole_log_instead(tmp_path, capsys):
    train(make_config(tmp_path, train_cfg__max_epochs=1, verbose=True), tmp_path / 'run')
    printed = capsys.readouterr().out
    assert 'System environment' in printed
    assert 'Epoch(train)' in printed
    assert 'mean shape' not in printed


def test_people_hear_warnings_and_packages_that_are_not_mmengine(capsys):
    logger = logging.Logger('run')
    logger.addHandler(logging.StreamHandler())
    use_screen(logger, verbose=None)
    logger.info('of a plugin')
    logger.info('of ours for the file', extra=FILE_ONLY)
    exec("logger.info('of mmengine')", {'logger': logger, '__name__': 'mmengine.runner'})
    exec("logger.warning('beware')", {'logger': logger, '__name__': 'mmengine.runner'})
    assert capsys.readouterr().out.splitlines() == ['of a plugin', 'WARNING: beware']


def test_the_command_ends_with_the_one_that_tests(tmp_path):
    cfg = make_config(tmp_path, train_cfg__max_epochs=1)
    size, of_test = ('--input-size', '64'), 'model.backbone.init_cfg=None'
    options = (*size, '--cfg-options', 'train_cfg.max_epochs=1', of_test)
    printed = run_main(train_command, cfg.filename, '--work-dir', 'run', *options, cwd=tmp_path)
    words = f'--cfg-options input_size=64 {of_test}'  # what a training alone reads is left out
    wanted = f'next: mmpose-lite test {cfg.filename} run/best.pth {words}'
    assert printed.splitlines()[-1] == wanted


class Gone(io.StringIO):
    """A terminal whose other end is closed, a pipe without a reader, a disk that is full."""

    def write(self, text):
        raise OSError(5, 'Input/output error')


def test_what_cannot_be_printed_ends_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'stdout', Gone())
    runner = train(make_config(tmp_path, train_cfg__max_epochs=1), tmp_path / 'run')
    assert runner.epoch == 1


def test_letters_that_a_terminal_lacks_are_escaped(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding='ascii', write_through=True)
    monkeypatch.setattr(sys, 'stdout', stream)
    lasting_console().print('caf\xe9')
    assert stream.buffer.getvalue() == b'caf\\xe9\n'


def test_a_run_that_fails_takes_its_bar_away(tmp_path, monkeypatch):
    hook = ScreenHook()
    paused = []
    hook._training = SimpleNamespace(pause=lambda: paused.append(1), restart_clock=lambda: None)
    runner = PoseRunner.from_cfg(make_config(tmp_path, work_dir=str(tmp_path / 'run')))
    runner._hooks = [hook]

    def fail(self):
        raise RuntimeError('in the middle')

    monkeypatch.setattr(BaseRunner, 'train', fail)
    with pytest.raises(RuntimeError, match='middle'):
        runner.train()
    assert paused == [1]


def test_metrics_that_are_no_numbers_are_shown_as_they_are():
    runner = SimpleNamespace(val_loop=None)
    assert _in_words(runner, {'NME': 0.05, 'each': [0.1, 0.2]}) == 'NME 0.05, each [0.1, 0.2]'


def test_a_set_that_lacks_boxes_has_no_mean_shape(tmp_path):
    runner = train(make_config(tmp_path, train_cfg__max_epochs=1), tmp_path / 'run')
    assert 0.05 < _mean_shape_nme(runner) < 0.2
    get = type(runner.train_dataloader.dataset).get_data_info
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            'mmengine.dataset.BaseDataset.get_data_info',
            lambda self, idx: {'keypoints': 1},
        )
        assert get is type(runner.train_dataloader.dataset).get_data_info
        assert _mean_shape_nme(runner) is None
    other = SimpleNamespace(dataset=[{'inputs': 1}])  # of somebody's own
    loops = {'val_loop': runner.val_loop, 'val_dataloader': runner.val_dataloader}
    assert _mean_shape_nme(SimpleNamespace(train_dataloader=other, **loops)) is None
