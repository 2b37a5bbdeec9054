"""Ranks that share a batch train as one process does with all of it."""

import json

import pytest
from mmengine.dataset import sampler as mmengine_samplers

from helpers.processes import ROOT
from mmpose_lite.datasets.samplers import DefaultSampler

STEPS = 20


def global_batches(monkeypatch, world, faces, batch, epoch):
    """The faces of every global batch, as ranks that stand beside each other see them."""
    ranks = []
    for rank in range(world):
        monkeypatch.setattr(mmengine_samplers, 'get_dist_info', lambda rank=rank: (rank, world))
        sampler = DefaultSampler(range(faces), shuffle=True, seed=3)
        sampler.set_epoch(epoch)
        ranks.append([int(index) for index in sampler])
    dealt = [index for turn in zip(*ranks, strict=True) for index in turn]
    return [dealt[start : start + batch] for start in range(0, faces - faces % batch, batch)]


@pytest.mark.parametrize('world', [2, 4, 8])
@pytest.mark.parametrize('faces', [64, 61])
def test_global_batches_are_the_same_in_order(monkeypatch, world, faces):
    for epoch in range(3):
        one = global_batches(monkeypatch, 1, faces, 16, epoch)
        assert global_batches(monkeypatch, world, faces, 16, epoch) == one
    assert len(one) == faces // 16
    assert one != global_batches(monkeypatch, 1, faces, 16, epoch=0)


def records(processes, folder, config, world, batch, optimizer, flags):
    """Notes of each rank while training with a batch of its own."""
    seen = folder / f'seen{world}'
    seen.mkdir()
    options = [f'train_dataloader.batch_size={batch}', f'train_cfg.max_epochs={STEPS * 4 // 8}']
    options.append(f'optim_wrapper.optimizer.type={optimizer}')
    tool = (ROOT / 'tools' / 'dist_train.sh', config, world, '--no-validate', *flags)
    command = (*tool, '--work-dir', f'run{world}')
    done = processes.run(*command, '--cfg-options', *options, cwd=folder, RECORD=str(seen))
    assert done.status == 0, done.printed
    files = [seen / f'{rank}.jsonl' for rank in range(world)]
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


ON_DEVICE = ('--cache', 'crops', '--augment-on-device')


@pytest.mark.parametrize(
    ('optimizer', 'flags'),
    [
        ('Adam', ()),
        ('Muon', ()),
        ('Adam', (*ON_DEVICE, 'stream')),
        ('Adam', (*ON_DEVICE, 'resident')),
    ],
    ids=['Adam', 'Muon', 'stream', 'resident'],
)
def test_two_ranks_train_as_one_does(processes, tmp_path, faulty_config, optimizer, flags):
    """Batch norms are frozen: each rank would have statistics of its own."""
    config = faulty_config('RecordHook', 'FrozenNormsHook')
    run = {'optimizer': optimizer, 'flags': flags}
    (alone,) = records(processes, tmp_path, config, world=1, batch=4, **run)
    both = records(processes, tmp_path, config, world=2, batch=2, **run)
    assert len(alone) == STEPS
    for one, first, second in zip(alone, *both, strict=True):
        dealt = [face for pair in zip(first['ids'], second['ids'], strict=True) for face in pair]
        assert dealt == one['ids']
        assert (first['loss'] + second['loss']) / 2 == pytest.approx(one['loss'], rel=1e-4)
    assert len({step['loss'] for step in alone}) == STEPS  # the weights move
