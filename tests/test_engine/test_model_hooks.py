"""Hooks that touch the model, and how hooks are found."""

import math
from types import SimpleNamespace

import pytest
from mmengine.hooks import EMAHook, SyncBuffersHook
from mmengine.registry import DefaultScope
from torch import nn

from mmpose_lite.apis import load_config
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.hooks import ExpMomentumEMA, SyncNormHook, sync_norm_hook
from mmpose_lite.engine.run_state import find_hook
from mmpose_lite.registry import HOOKS, MODELS


class TestExpMomentumEMA:
    def test_average_by_hand(self):
        model = nn.Linear(1, 1, bias=False)
        model.weight.data.fill_(1.0)
        ema = ExpMomentumEMA(model, momentum=0.1, gamma=2)
        ema.update_parameters(model)  # the first call copies
        expected = 1.0
        for step, weight in enumerate((2.0, 4.0), start=1):
            model.weight.data.fill_(weight)
            ema.update_parameters(model)
            new_part = 0.1 + 0.9 * math.exp(-(1 + step) / 2)
            expected += new_part * (weight - expected)
            assert ema.module.weight.item() == pytest.approx(expected, rel=1e-6)

    def test_it_is_registered(self):
        ema = MODELS.build({'type': 'ExpMomentumEMA', 'model': nn.Linear(2, 2), 'gamma': 7})
        assert ema.gamma == 7

    def test_gamma_must_be_positive(self):
        with pytest.raises(ValueError, match='gamma must be greater than 0'):
            ExpMomentumEMA(nn.Linear(1, 1), gamma=0)


class TestSyncNormHook:
    @pytest.fixture
    def averaged(self, monkeypatch):
        calls = []
        monkeypatch.setattr(
            sync_norm_hook, 'all_reduce_params', lambda tensors, op: calls.append((tensors, op))
        )
        return calls

    def test_norms_are_averaged_in_place(self, averaged, monkeypatch):
        monkeypatch.setattr(sync_norm_hook, 'get_dist_info', lambda: (0, 2))
        model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3))
        SyncNormHook().before_val_epoch(SimpleNamespace(model=model))
        ((tensors, op),) = averaged
        assert op == 'mean'
        owners = [model[1].weight, model[1].bias, model[1].running_mean, model[1].running_var]
        assert [t.data_ptr() for t in tensors] == [owner.data_ptr() for owner in owners]

    def test_nothing_to_do(self, averaged, monkeypatch):
        SyncNormHook().before_val_epoch(SimpleNamespace(model=nn.BatchNorm1d(2)))
        monkeypatch.setattr(sync_norm_hook, 'get_dist_info', lambda: (0, 2))
        SyncNormHook().before_val_epoch(SimpleNamespace(model=nn.Conv2d(1, 1, 1)))
        assert averaged == []


@pytest.mark.parametrize(
    'name', ['PoseVisualizationHook', 'BadCaseAnalysisHook', 'SyncNormHook', 'SyncBuffersHook']
)
def test_hooks_are_found_by_name(name):
    with DefaultScope.overwrite_default_scope('mmpose_lite'):
        hook = HOOKS.build({'type': name})
    assert type(hook).__name__ == name
    assert isinstance(hook, SyncBuffersHook) == (name == 'SyncBuffersHook')


def test_a_test_folds_norms_beside_averages(tiny_config, trained, tmp_path):
    """The weights of a checkpoint are the averages: EMAHook would exchange them for themselves."""
    average = {'type': 'EMAHook', 'ema_type': 'ExpMomentumEMA', 'update_buffers': True}
    options = {'load_from': str(trained.checkpoint), 'work_dir': str(tmp_path)}
    cfg = load_config(tiny_config, {**options, 'custom_hooks': [average]})
    whole = PoseRunner.from_cfg(cfg).test()
    runner = PoseRunner.from_cfg(cfg)
    assert runner.test(fold=True) == pytest.approx(whole, abs=1e-6)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in runner.model.modules())


def test_a_test_after_a_training_is_of_the_averages(tiny_config, tmp_path):
    average = {'type': 'EMAHook', 'ema_type': 'ExpMomentumEMA', 'momentum': 0.01}
    options = {'work_dir': str(tmp_path), 'custom_hooks': [average], 'train_cfg.max_epochs': 1}
    runner = PoseRunner.from_cfg(load_config(tiny_config, options))
    runner.train()
    assert runner.test(fold=True) == pytest.approx(runner.test())
    assert find_hook(runner, EMAHook) is not None
