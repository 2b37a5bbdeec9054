"""``tools/train.py --log``: where the numbers go beside the log."""

import csv
import json
import warnings
from pathlib import Path

import pytest
from mmengine.config import Config

from mmpose_lite.apis import load_config, train
from mmpose_lite.cli.train import add_log_backends, main, merge_args, parse_args

pytestmark = pytest.mark.usefixtures('as_new_process')


def backends(cfg):
    return [backend['type'] for backend in cfg.visualizer.vis_backends]


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr('mmpose_lite.cli.train.find_spec', lambda name: object())


@pytest.mark.usefixtures('all_installed')
def test_several_are_added_to_what_the_config_has():
    cfg = Config({'work_dir': 'runs/one', 'visualizer': {'vis_backends': [{'type': 'Mine'}]}})
    add_log_backends(cfg, ['tensorboard', 'csv', 'tensorboard'])
    assert backends(cfg) == ['Mine', 'TensorboardVisBackend', 'CsvVisBackend']
    add_log_backends(cfg, ['csv'])
    assert len(backends(cfg)) == 3


@pytest.mark.usefixtures('all_installed')
def test_a_config_without_a_visualizer_keeps_its_own_log():
    cfg = Config({'work_dir': 'runs/one'})
    add_log_backends(cfg, [])
    assert 'visualizer' not in cfg
    add_log_backends(cfg, ['csv'])
    assert backends(cfg) == ['LocalVisBackend', 'CsvVisBackend']


@pytest.mark.usefixtures('all_installed')
def test_runs_have_their_names_and_stores_in_the_work_dir(tmp_path, monkeypatch):
    monkeypatch.delenv('MLFLOW_TRACKING_URI', raising=False)
    monkeypatch.setenv('WANDB_PROJECT', 'faces')
    cfg = Config({'work_dir': str(tmp_path / 'one')})
    add_log_backends(cfg, ['wandb', 'mlflow'])
    _, wandb, mlflow = cfg.visualizer.vis_backends
    assert wandb['init_kwargs'] == {'project': 'faces', 'name': 'one'}
    assert mlflow['exp_name'] == 'one'
    assert mlflow['tracking_uri'] == f'sqlite:///{tmp_path}/one/mlflow.db'
    monkeypatch.setenv('MLFLOW_TRACKING_URI', 'http://localhost:5000')
    other = Config({'work_dir': str(tmp_path / 'one')})
    add_log_backends(other, ['mlflow'])
    assert other.visualizer.vis_backends[1]['tracking_uri'] == 'http://localhost:5000'


@pytest.mark.parametrize('name', ['tensorboard', 'wandb', 'mlflow'])
def test_a_missing_package_is_named_before_anything_is_done(
    tiny_config, tmp_path, monkeypatch, name
):
    monkeypatch.setattr('mmpose_lite.cli.train.find_spec', lambda package: None)
    with pytest.raises(SystemExit) as ended:
        main([str(tiny_config), '--work-dir', str(tmp_path / 'run'), '--log', 'csv', name])
    said = f'error: --log {name}: the package is not installed: pip install {name}'
    assert str(ended.value) == said
    assert not (tmp_path / 'run').exists()


def test_other_names_are_refused(capsys):
    with pytest.raises(SystemExit):
        parse_args(['config.py', '--log', 'paper'])
    assert 'tensorboard' in capsys.readouterr().err


def numbers_of(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_tensorboard_and_csv_have_what_the_log_has(tiny_config, tmp_path, as_new_process):
    pytest.importorskip('tensorboard')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of tensorboard and what it imports
        import torch.utils.tensorboard  # noqa: F401
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def run(*flags):
        as_new_process()
        args = parse_args([str(tiny_config), '--work-dir', str(tmp_path / 'run'), *flags])
        train(merge_args(load_config(args.config), args))

    run('--log', 'tensorboard', '--log', 'csv')
    logged = numbers_of(next((tmp_path / 'run').rglob('scalars.json')))
    (events,) = (tmp_path / 'run').rglob('events.out.tfevents.*')
    board = EventAccumulator(str(events)).Reload()
    for name in ('loss', 'lr', 'images_per_s', 'train_NME', 'NME', 'val_loss'):
        expected = [(row['step'], pytest.approx(row[name])) for row in logged if name in row]
        assert [(event.step, event.value) for event in board.Scalars(name)] == expected
        assert len(expected) == 2  # two epochs of one iteration

    with (tmp_path / 'run' / 'scalars.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['mode'] for row in rows] == ['train', 'val', 'train', 'val']
    assert [float(row['loss']) for row in rows[::2]] == [row['loss'] for row in logged[::2]]

    # One table for all that a run has been.
    (tmp_path / 'run' / 'last_checkpoint').write_text(str(tmp_path / 'run' / 'epoch_1.pth'))
    (tmp_path / 'run' / 'epoch_2.pth').unlink()
    run('--log', 'csv', '--resume')
    with (tmp_path / 'run' / 'scalars.csv').open(newline='') as file:
        again = list(csv.DictReader(file))
    assert [(row['mode'], row['step']) for row in again] == [
        ('train', '1'), ('val', '1'), ('train', '2'), ('val', '2')
    ]  # fmt: skip
    assert [row['loss'] for row in again] == [row['loss'] for row in rows]
