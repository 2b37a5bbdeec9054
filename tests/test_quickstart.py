"""The quick start from end to end, with few faces and one epoch."""

import json
import re

import cv2
import numpy as np

from helpers.in_process import run_main
from mmpose_lite.apis import load_config
from mmpose_lite.cli import quickstart
from mmpose_lite.cli.main import main as run_command
from mmpose_lite.cli.quickstart import mean_shape_nme


def face(points, center, side):
    keypoints = np.column_stack([points, np.ones(len(points))]).ravel().tolist()
    return {'keypoints': keypoints, 'center': center, 'box_size': side}


def test_mean_shape_nme_by_hand():
    # In shares of the box the training points are (0, 0) and (0.2, 0): the mean is (0.1, 0).
    train = [face([(50, 50)], [50, 50], 100), face([(70, 40)], [50, 40], 100)]
    # In a box of 200 the mean lands at (120, 100); the truth is 30 right and 40 below of it.
    test = [face([(150, 140)], [100, 100], 200)]
    assert mean_shape_nme(train, test) == 50 / 200


def arguments(folder):
    sizes = ['--train', '16', '--test', '8', '--epochs', '1']
    return [*sizes, '--data', str(folder / 'faces'), '--work-dir', str(folder / 'run')]


def check(folder, printed):
    """Check the last line, the metrics and the picture."""
    metrics = json.loads((folder / 'run/metrics.json').read_text())
    assert set(metrics) == {'NME', 'NME_frontal', 'NME_mean_shape'}
    full, frontal, mean = (f'{100 * metrics[key]:.2f}' for key in sorted(metrics))
    last = printed.strip().splitlines()[-1]
    assert last == f'NME full {full} %  frontal {frontal} %  (mean shape {mean} %)'
    assert 0.05 < metrics['NME_mean_shape'] < 0.5

    picture = re.search(r'picture  (\S+)', printed).group(1)
    assert cv2.imread(str(folder / picture)).shape[1] > 400


def test_quickstart_ends_with_metrics_and_a_picture(tmp_path, monkeypatch, capsys):
    """Its commands run in this process, one after the other."""

    def run(*command):
        run_main(run_command, *command, cwd=tmp_path)

    monkeypatch.setattr(quickstart, 'run', run)
    monkeypatch.chdir(tmp_path)
    quickstart.main(arguments(tmp_path))
    check(tmp_path, capsys.readouterr().out)


def test_a_training_that_was_stopped_is_resumed(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(quickstart, 'run', lambda *command: commands.append(command))
    monkeypatch.chdir(tmp_path)
    args = quickstart.make_parser().parse_args(arguments(tmp_path))
    for name, test, is_resumed in (
        (None, 8, False),
        ('last_checkpoint', 8, True),
        ('last_checkpoint', 9, False),
        ('epoch_1.pth', 9, False),
    ):
        if name is not None:
            (tmp_path / 'run' / name).touch()
        args.test = test
        quickstart.make_train_test(args)
        assert commands[-2][0] == 'train'
        assert ('--resume' in commands[-2]) == is_resumed


def test_no_training_ends_before_the_epoch_that_is_tested():
    assert load_config(quickstart.CONFIG).default_hooks.early_stopping is None


def test_quickstart_as_a_program(processes, tmp_path):
    check(tmp_path, processes.run_tool('quickstart.py', *arguments(tmp_path), cwd=tmp_path))
