"""Options that make runs faster: half precision and compilation."""

import json

import pytest
import torch

from mmpose_lite.apis import load_config
from mmpose_lite.apis import test as run_test
from mmpose_lite.apis import train as run_train
from mmpose_lite.cli.test import main as run_test_tool
from mmpose_lite.cli.test import merge_args as merge_test_args
from mmpose_lite.cli.test import parse_args as parse_test_args
from mmpose_lite.cli.train import merge_args, parse_args
from mmpose_lite.models import HRNet

pytestmark = pytest.mark.usefixtures('as_new_process')

LEARNT = 0.06  # as in test_tools.py


def merged(tool, tiny_config, *flags):
    if tool == 'train':
        return merge_args(load_config(tiny_config), parse_args([str(tiny_config), *flags]))
    arguments = [str(tiny_config), 'any.pth', *flags]
    return merge_test_args(load_config(tiny_config), parse_test_args(arguments))


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_arguments_reach_the_config(tiny_config, tool):
    plain = merged(tool, tiny_config)
    assert 'compile' not in plain
    assert plain.optim_wrapper.get('type') is None
    assert not plain.test_cfg.get('fp16')
    assert merged(tool, tiny_config, '--compile').compile is True
    assert merged(tool, tiny_config, '--compile', 'max-autotune').compile == 'max-autotune'
    amp = merged(tool, tiny_config, '--amp')
    assert (amp.optim_wrapper.get('type') == 'AmpOptimWrapper') == (tool == 'train')
    assert amp.test_cfg.get('fp16', False) == (tool == 'test')
    assert 'fp16' not in amp.val_cfg  # validations choose the best checkpoint: in full precision


@pytest.mark.parametrize('flags', [[], ['--amp']])
def test_a_test_in_half_precision(tiny_config, trained, tmp_path, monkeypatch, flags):
    dtypes = set()
    forward = HRNet.forward

    def noted_forward(self, x):
        maps = forward(self, x)
        dtypes.update(each.dtype for each in maps if isinstance(each, torch.Tensor))
        return maps

    monkeypatch.setattr(HRNet, 'forward', noted_forward)
    monkeypatch.setattr('mmengine.runner.amp.get_device', lambda: 'cpu')
    monkeypatch.setattr('mmpose_lite.engine.point_checks.check_sizes', lambda *_: None)
    out = tmp_path / 'numbers.json'
    arguments = [str(tiny_config), str(trained.checkpoint), '--out', str(out)]
    run_test_tool([*arguments, '--work-dir', str(tmp_path), *flags])
    assert dtypes == {torch.bfloat16 if flags else torch.float32}
    assert json.loads(out.read_text())['NME'] < LEARNT


@pytest.fixture
def compiled(monkeypatch):
    """Record what torch.compile was given, and how often each of its functions ran.

    Compiling even a tiny HRNet would take a minute; test_compile.py has a real backend.
    """
    calls = {}

    def compile(function, **settings):
        assert settings == {'backend': 'eager'}
        part = type(function.__self__).__name__

        def run(*args):
            calls[part] += 1
            return function(*args)

        calls[part] = 0
        return run

    monkeypatch.setattr(torch, 'compile', compile)
    return calls


def test_the_network_is_compiled_for_training_and_for_tests(
    tiny_config, trained, tmp_path, as_new_process, compiled
):
    parts = {'HRNet', 'FeatureMapProcessor', 'HeatmapHead'}
    options = {'work_dir': str(tmp_path), 'compile.backend': 'eager'}
    cfg = load_config(tiny_config, {**options, 'train_cfg.max_epochs': 1})
    run_train(cfg)
    assert compiled.keys() == parts
    assert min(compiled.values()) >= 3  # a batch of training, two of the validation
    state = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['state_dict']
    assert state.keys() == torch.load(trained.checkpoint, weights_only=True)['state_dict'].keys()

    as_new_process()
    compiled.clear()
    cfg = load_config(tiny_config, options)
    cfg.load_from = str(trained.checkpoint)
    assert run_test(cfg)[1]['NME'] < LEARNT
    assert compiled.keys() == parts
    assert min(compiled.values()) >= 2
