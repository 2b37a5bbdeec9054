"""The hook that notes times."""

import json
from types import SimpleNamespace

import pytest
from torch import nn

from benchmarks.jobs import figures
from benchmarks.measure.stopwatch import Stopwatch
from helpers.in_process import run_main
from mmpose_lite.cli.train import main

CONFIG = """
_base_ = ['{base}']
custom_imports = dict(imports=['benchmarks.measure.stopwatch'], allow_failed_imports=False)
custom_hooks = [dict(type='Stopwatch', out_file='stopwatch.json', iterations=3, warmup=1)]
train_dataloader = dict(batch_size=2)
"""


def runner(batch=4, faces=6):
    """The part of a runner that the hook uses."""
    return SimpleNamespace(
        train_dataloader=SimpleNamespace(batch_size=batch),
        test_dataloader=SimpleNamespace(dataset=range(faces)),
        model=nn.Linear(3, 2),
    )


def read(path):
    return json.loads(path.read_text())


def test_a_real_training_ends_after_its_iterations(tmp_path, tiny_config):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(base=tiny_config))
    printed = run_main(main, config, '--work-dir', 'run', cwd=tmp_path)
    notes = read(tmp_path / 'stopwatch.json')
    assert (notes['batch'], notes['warmup']) == (2, 1)
    times = [time for pair in zip(notes['begun'], notes['done'], strict=True) for time in pair]
    assert len(times) == 6
    assert times == sorted(times)
    assert notes['parameters'] > 1000
    assert figures(notes, begun=times[0])['step_s'] > 0
    assert 'Epoch(val)' not in printed


def test_a_training_can_end_as_its_first_iteration_begins(tmp_path):
    hook = Stopwatch(str(tmp_path / 'out.json'), iterations=0)
    with pytest.raises(SystemExit) as end:
        hook.before_train_iter(runner(), 0)
    assert end.value.code == 0
    notes = read(tmp_path / 'out.json')
    assert (len(notes['begun']), notes['done'], notes['parameters']) == (1, [], 8)


def test_a_training_can_continue_to_its_end(tmp_path):
    hook = Stopwatch(str(tmp_path / 'out.json'))
    for index in range(5):
        hook.before_train_iter(runner(), index)
        hook.after_train_iter(runner(), index)
    hook.after_train(runner())
    assert len(read(tmp_path / 'out.json')['done']) == 5


def test_a_test_notes_its_loop_and_its_faces(tmp_path):
    hook = Stopwatch(str(tmp_path / 'out.json'))
    hook.before_test_epoch(runner())
    hook.after_test_epoch(runner())
    notes = read(tmp_path / 'out.json')
    assert notes['faces'] == 6
    assert notes['test_begun'] <= notes['test_done']
