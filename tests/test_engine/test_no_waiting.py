"""No iteration of training waits for the device: what is logged is read where it is logged.

A CPU never waits, so what is counted is each reading of a tensor's number, by Python's methods
and by torch's operator behind them.
"""

import json

import pytest
import torch
from mmengine.runner import Runner
from torch.utils._python_dispatch import TorchDispatchMode

from mmpose_lite.apis import load_config
from mmpose_lite.apis.training import build_runner
from mmpose_lite.engine import PoseRunner, nan_guard
from mmpose_lite.engine.loops import EpochBasedTrainLoop

pytestmark = pytest.mark.usefixtures('as_new_process')

READERS = ('item', 'tolist', 'numpy', 'cpu', '__float__', '__int__', '__bool__')
SETTINGS = {
    'train_dataloader.batch_size': 1,  # eight iterations
    'train_cfg.max_epochs': 1,
    'default_hooks.logger.interval': 4,
    'optim_wrapper': {
        'optimizer': {'type': 'SGD', 'lr': 1e-3},  # Adam counts its steps in tensors, on the host
        'clip_grad': {'max_norm': 1.0},
    },
}


class CountReads(TorchDispatchMode):
    """Counts the readings of numbers within a ``with`` block."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@pytest.fixture
def reads(monkeypatch):
    """Count the numbers that each iteration read, loading of data aside."""
    counts = []
    run_iter = EpochBasedTrainLoop.run_iter

    def counted_run_iter(loop, idx, data_batch):
        with pytest.MonkeyPatch.context() as patch, CountReads() as mode:
            for name in READERS:
                patch.setattr(torch.Tensor, name, counted(mode, getattr(torch.Tensor, name)))
            run_iter(loop, idx, data_batch)
        counts.append(mode.count)

    def counted(mode, method):
        def read(*args, **kwargs):
            mode.count += 1
            return method(*args, **kwargs)

        return read

    monkeypatch.setattr(EpochBasedTrainLoop, 'run_iter', counted_run_iter)
    # As on a device that has not come so far yet.
    monkeypatch.setattr(nan_guard, 'get_device', lambda: 'cuda')
    monkeypatch.setattr(nan_guard._Copy, 'has_arrived', lambda copy: False)
    return counts


def train(tiny_config, work_dir, **options):
    cfg = load_config(tiny_config, {**SETTINGS, 'work_dir': str(work_dir), **options})
    runner = build_runner(cfg)
    runner.train()
    return runner


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'AmpOptimWrapper'])
def test_numbers_are_read_where_they_are_logged(tiny_config, tmp_path, reads, wrapper):
    runner = train(tiny_config, tmp_path, **{'optim_wrapper.type': wrapper})
    assert [count > 0 for count in reads] == [False, False, False, True] * 2
    for name in ('loss', 'loss_kpt', 'acc_pose', 'grad_norm', 'lr'):
        assert len(runner.message_hub.get_scalar(f'train/{name}').data[0]) == 8


def test_mmengine_s_hub_reads_at_every_iteration(tiny_config, tmp_path, reads, monkeypatch):
    """So this way of counting sees what it is meant to see."""
    monkeypatch.setattr(PoseRunner, 'build_message_hub', Runner.build_message_hub)
    train(tiny_config, tmp_path)
    assert min(reads) >= 4  # three losses and a norm


def log_of(folder):
    """The logged lines, without what the machine has made of them."""
    lines = next(folder.rglob('scalars.json')).read_text().splitlines()
    clocks = ('time', 'data_time', 'images_per_s', 'memory')
    return [
        {key: value for key, value in json.loads(line).items() if key not in clocks}
        for line in lines
    ]


def saved_scalars(folder):
    hub = torch.load(folder / 'epoch_1.pth', weights_only=True)['message_hub']
    return {
        name: (history['log_history'].tolist(), history['count_history'].tolist())
        for name, history in hub['log_scalars'].items()
        if 'time' not in name
    }


@pytest.mark.slow
def test_logs_and_checkpoints_are_those_of_mmengine(
    tiny_config, tmp_path, as_new_process, monkeypatch
):
    train(tiny_config, tmp_path / 'ours')
    as_new_process()
    monkeypatch.setattr(PoseRunner, 'build_message_hub', Runner.build_message_hub)
    train(tiny_config, tmp_path / 'theirs')
    ours, theirs = (log_of(tmp_path / name) for name in ('ours', 'theirs'))
    assert len(ours) == 3  # two of training, one of the validation
    assert [list(line) for line in ours] == [list(line) for line in theirs]
    assert ours == theirs
    assert saved_scalars(tmp_path / 'ours') == saved_scalars(tmp_path / 'theirs')
