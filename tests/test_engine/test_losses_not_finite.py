"""A loss that is not finite never reaches the weights; a metric that is not is never the best."""

import math
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

from helpers import exact_runs
from helpers.exact_runs import make_config
from helpers.processes import LIMIT, Child
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.engine.nan_guard import NanGuard, NonFiniteLossError
from mmpose_lite.engine.run_state import Position
from mmpose_lite.errors import InputError


class PoisonHook(Hook):
    """Makes the losses of some iterations, counted from 1, a NaN; keeps the weights after each."""

    def __init__(self, *iterations):
        self.iterations = iterations
        self.poisoned = False
        self.batches = {}
        self.weights = {}
        self.buffers = {}

    def before_run(self, runner):
        runner.model.backbone.register_forward_pre_hook(self.poison)

    def poison(self, module, inputs):
        return tuple(each * float('nan') for each in inputs) if self.poisoned else None

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        number = runner.iter + 1
        self.poisoned = number in self.iterations
        self.batches[number] = [
            sample.metainfo['img_path'] for sample in data_batch['data_samples']
        ]

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.poisoned = False
        weights = [each.detach().flatten() for each in runner.model.parameters()]
        self.weights[runner.iter + 1] = torch.cat(weights)
        buffers = [each.double().flatten() for each in runner.model.buffers()]
        self.buffers[runner.iter + 1] = torch.cat(buffers)


@pytest.fixture
def train(tmp_path, as_new_process):
    """Trains with some losses poisoned; the hook and the error that ended it, if one did."""

    def run(*iterations, resume=False, **options):
        as_new_process()
        cfg = make_config(tmp_path, **options)
        hook = PoisonHook(*iterations)
        try:
            exact_runs.train(cfg, tmp_path / 'run', hook=hook, resume=resume)
        except InputError as error:
            return hook, str(error)
        return hook, None

    return run


def latest(tmp_path):
    return find_latest(str(tmp_path / 'run'), pytest.fail)


def test_it_stops_the_run_and_names_the_images(train, tmp_path):
    hook, message = train(6)
    files = ', '.join(f"'{name}'" for name in hook.batches[6])
    assert len(hook.batches[6]) == 4
    expected = f'the loss of iteration 6, epoch 2 is not finite; images of the batch: {files}'
    assert message == expected
    assert latest(tmp_path).endswith('epoch_1.pth')
    assert set(hook.weights) == {1, 2, 3, 4, 5}


def test_some_are_skipped_and_then_it_stops(train, tmp_path):
    hook, message = train(2, 6, 7, train_cfg__max_nonfinite_losses=2)
    assert message.startswith('the loss of iteration 7, epoch 2 is not finite; images')
    weights = hook.weights
    assert [i for i in range(2, 7) if torch.equal(weights[i], weights[i - 1])] == [2, 6]
    # The running statistics of batch norms, which a NaN would never leave.
    buffers = hook.buffers
    assert [i for i in range(2, 7) if torch.equal(buffers[i], buffers[i - 1])] == [2, 6]
    text = ''.join(log.read_text() for log in (tmp_path / 'run').glob('*/*.log'))
    assert 'skipped, 1 of at most 2: the loss of iteration 2, epoch 1 is not finite' in text
    assert 'skipped, 2 of at most 2: the loss of iteration 6, epoch 2 is not finite' in text
    assert hook.batches[6][0] in text.partition('skipped, 2')[2].partition('\n')[0]


@pytest.mark.slow
def test_skips_are_counted_over_the_whole_run(train, tmp_path):
    """Those before an interruption too."""
    train(2, 6, train_cfg__max_nonfinite_losses=1)
    assert latest(tmp_path).endswith('epoch_1.pth')
    _, message = train(7, resume=True, train_cfg__max_nonfinite_losses=1)
    assert 'iteration 7' in message


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_a_step_of_several_batches_is_skipped_as_a_whole(train):
    options = {'optim_wrapper__accumulative_counts': 3, 'train_cfg__max_nonfinite_losses': 1}
    hook, message = train(5, **options)
    assert message is None
    weights = hook.weights
    for iteration in range(2, 13):
        is_step = iteration % 3 == 0 and iteration != 6
        assert torch.equal(weights[iteration], weights[iteration - 1]) != is_step


def test_one_that_is_seen_late_is_never_saved(train, tmp_path, monkeypatch):
    """On a GPU a loss may arrive when the weights are lost; before a save it is waited for."""
    monkeypatch.setattr('mmpose_lite.engine.nan_guard.get_device', lambda: 'cuda')
    monkeypatch.setattr('mmpose_lite.engine.nan_guard._Copy.has_arrived', lambda self: False)
    hook, message = train(6)
    assert message == 'the loss of iteration 6, epoch 2 is not finite'
    assert max(hook.weights) == 8
    assert not torch.isfinite(hook.weights[8]).all()
    assert latest(tmp_path).endswith('epoch_1.pth')
    state = read_checkpoint(latest(tmp_path))['state_dict']
    assert all(torch.isfinite(tensor).all() for tensor in state.values())


def test_one_that_arrives_late_stops_the_run(train, monkeypatch):
    monkeypatch.setattr('mmpose_lite.engine.nan_guard.get_device', lambda: 'cuda')
    hook, message = train(6)
    assert message == 'the loss of iteration 6, epoch 2 is not finite'
    assert max(hook.weights) <= 6


def guard_of_rank(rank, folder, max_skips):
    """Rank 1 has a NaN: what both find, as they must do the same."""
    limit, meeting = timedelta(seconds=LIMIT), f'file://{folder}/meeting'
    torch.distributed.init_process_group(
        'gloo', init_method=meeting, rank=rank, world_size=2, timeout=limit
    )
    guard = NanGuard(max_skips)
    losses = [torch.tensor(1.0), torch.tensor(float('nan') if rank else 2.0)]
    assert not guard.check(losses[0])
    if max_skips:
        assert guard.check(losses[1])
        assert guard.refused_ranks == [1]
        assert guard.skipped == 1
        return
    with pytest.raises(NonFiniteLossError) as caught:
        guard.check(losses[1])
    assert caught.value.ranks == [1]


@pytest.mark.parametrize('max_skips', [0, 1])
def test_one_of_another_process_stops_or_skips_all(max_skips, tmp_path, monkeypatch):
    monkeypatch.setenv('GLOO_SOCKET_IFNAME', 'lo')
    ranks = [Child(partial(guard_of_rank, rank, tmp_path, max_skips)) for rank in (0, 1)]
    assert [rank.status() for rank in ranks] == [0, 0]


class SavingRun:
    """The part of a run that the hook uses; it notes what is saved."""

    def __init__(self):
        self.saved, self.warnings = [], []
        self.epoch, self.iter, self.is_training = 1, 4, True
        self.logger = SimpleNamespace(info=lambda text, **_: None, warning=self.warnings.append)
        self.message_hub = MessageHub('run')
        self.train_loop = SimpleNamespace(position=Position(1, 4))

    def save_checkpoint(self, folder, name, **options):
        self.saved.append(name)


@pytest.mark.parametrize('score', [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize('before', [None, 0.5])
def test_a_metric_that_is_not_finite_is_never_the_best(score, before, tmp_path):
    run = SavingRun()
    hook = CheckpointHook(interval=1, save_best='NME', rule='less')
    hook.out_dir = str(tmp_path)
    if before:
        run.message_hub.update_info('best_score', before)
    hook.after_val_epoch(run, {} if score is None else {'NME': score})
    assert run.saved == []
    assert run.message_hub.runtime_info.get('best_score') == before
    assert run.warnings == [f'NME is {score}: it cannot be the best']
    hook.after_val_epoch(run, {'NME': 0.4})
    assert run.saved == ['best_NME_epoch_1.pth']
