"""The screen of a run: a head, a line a validation, the next command. The log has the rest."""

import logging

import pytest

from helpers.exact_runs import make_config, train
from mmpose_lite.engine.run_log import FILE_ONLY, use_screen

pytestmark = pytest.mark.usefixtures('as_new_process')


@pytest.fixture(autouse=True)
def _as_users_have_it(monkeypatch):
    monkeypatch.delenv('MMPOSE_LITE_VERBOSE')


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
    assert lines[-2].startswith('best NME ')
    assert lines[-1].startswith('next: mmpose-lite test ')
    assert lines[-1].endswith('run/best.pth')
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
