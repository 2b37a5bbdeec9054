"""A resumed run is the run that was interrupted."""

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook

from helpers import exact_runs
from helpers.exact_runs import BY_ITERATION, WITH_EMA, digests, make_config
from helpers.exact_runs import last_checkpoint as last
from helpers.processes import Child
from mmpose_lite.engine.preemption import RunStopped
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS


class Interrupted(Exception):
    """Stands for a process that ends without a word."""


class InterruptHook(Hook):
    """Ends the process's training at a moment: after an iteration, or in a validation."""

    def __init__(self, *, after_iter=None, in_validation_of=None, by=None):
        self.after_iter, self.in_validation_of, self.by = after_iter, in_validation_of, by

    def after_train_iter(self, runner, **kwargs):
        if runner.iter + 1 == self.after_iter:
            self.end()

    def after_val_iter(self, runner, batch_idx, **kwargs):
        if runner.epoch == self.in_validation_of and batch_idx == 0:
            self.end()

    def end(self):
        if self.by is None:
            raise Interrupted
        os.kill(os.getpid(), self.by)


MUON = {'_delete_': True, 'type': 'Muon', 'lr': 0.02}
HALF = {'optim_wrapper__type': 'AmpOptimWrapper'}
SETTINGS = {
    'plain': {},
    'workers': {'train_dataloader__num_workers': 2, 'train_dataloader__persistent_workers': True},
    'ema': WITH_EMA,
    'accumulation': {'optim_wrapper__accumulative_counts': 3},
    'amp': HALF,
    'muon': {
        'optim_wrapper__optimizer': MUON,
        'optim_wrapper__type': 'AmpOptimWrapper',
        **WITH_EMA,
    },
    'by_iteration': BY_ITERATION,
}
MOMENTS = [{'after_iter': 3}, {'after_iter': 8}, {'in_validation_of': 2}, {'in_validation_of': 3}]
QUICK = [('accumulation', MOMENTS[0])]
CASES = QUICK + [
    pytest.param(name, moment, marks=pytest.mark.slow)
    for name in SETTINGS
    for moment in MOMENTS
    if (name, moment) not in QUICK
]


@pytest.fixture
def train(as_new_process):
    """Train as in a process of its own."""

    def train_anew(*args, **kwargs):
        as_new_process()
        return exact_runs.train(*args, **kwargs)

    return train_anew


@pytest.fixture(scope='module')
def ends(tmp_path_factory):
    return {'folder': tmp_path_factory.mktemp('undisturbed')}


@pytest.fixture
def undisturbed(ends, train):
    """A function of the name of settings: their config, and the end of an undisturbed run."""

    def end_of(name):
        if name not in ends:
            cfg = make_config(ends['folder'], **SETTINGS[name])
            train(cfg, ends['folder'] / name)
            ends[name] = cfg, digests(last(ends['folder'] / name))
        return ends[name]

    return end_of


# mmengine says so where a step takes several iterations.
@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
@pytest.mark.parametrize(('name', 'moment'), CASES)
def test_a_signal_loses_nothing(name, moment, undisturbed, train, tmp_path):
    cfg, expected = undisturbed(name)
    if name == 'by_iteration' and 'in_validation_of' in moment:
        moment = {'after_iter': 7}
    with pytest.raises(RunStopped) as stopped:
        train(cfg, tmp_path, hook=InterruptHook(**moment, by=signal.SIGTERM))
    assert stopped.value.code == 128 + signal.SIGTERM
    train(cfg, tmp_path, resume=True)
    assert digests(last(tmp_path)) == expected


# Python 3.12 and later warn about any fork of a process with threads.
@pytest.mark.filterwarnings('ignore:.*multi-threaded, use of fork')
def test_a_killed_run_resumes(undisturbed, train, tmp_path):
    cfg, expected = undisturbed('plain')
    killed = InterruptHook(in_validation_of=2, by=signal.SIGKILL)
    assert Child(lambda: train(cfg, tmp_path, hook=killed)).status() == -signal.SIGKILL
    assert last(tmp_path).name == 'epoch_2.pth'
    train(cfg, tmp_path, resume=True)
    assert digests(last(tmp_path)) == expected


@pytest.mark.slow
def test_a_run_resumes_without_its_pretrained_file(train, tmp_path):
    """Its checkpoint has every tensor; the network may be gone by then."""
    start = tmp_path / 'start.pth'
    init_cfg = {'_delete_': True, 'type': 'Pretrained', 'checkpoint': str(start)}
    cfg = make_config(tmp_path, model__backbone__init_cfg=init_cfg)
    torch.save(MODELS.build({**cfg.model.backbone, 'init_cfg': None}).state_dict(), start)
    train(cfg, tmp_path / 'undisturbed')
    with pytest.raises(RunStopped):
        train(cfg, tmp_path / 'run', hook=InterruptHook(after_iter=5, by=signal.SIGTERM))
    start.unlink()
    with pytest.raises(InputError, match=r"start\.pth' does not exist"):
        train(cfg, tmp_path / 'other')
    train(cfg, tmp_path / 'run', resume=True)
    assert digests(last(tmp_path / 'run')) == digests(last(tmp_path / 'undisturbed'))
