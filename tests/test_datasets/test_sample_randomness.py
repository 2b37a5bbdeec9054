"""Batches are a function of seed, epoch and index: not of workers or ranks."""

import pickle
import random
from itertools import islice

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from helpers.data_factory import ANNOTATIONS
from mmpose_lite.datasets import AFLWDataset, DefaultSampler, InfiniteSampler
from mmpose_lite.datasets.samplers import SampleIndex, sample_rng

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform'},
    {'type': 'PhotometricDistortion'},
    {'type': 'TopdownAffine', 'input_size': (32, 32)},
    {'type': 'PackPoseInputs', 'pack_transformed': True},
]


@pytest.fixture(scope='module')
def dataset(face_set):
    return AFLWDataset(
        data_root=str(face_set),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        pipeline=PIPELINE,
    )


def batches(dataset, workers=0, seed=5, epoch=0):
    """One epoch: for each batch its faces' ids, pixels and points."""
    sampler = DefaultSampler(dataset, shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    loader = DataLoader(
        dataset, batch_size=3, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate
    )
    return [
        {
            'id': [sample.id for sample in batch['data_samples']],
            'inputs': torch.stack(batch['inputs']),
            'points': [s.gt_instances.transformed_keypoints for s in batch['data_samples']],
        }
        for batch in loader
    ]


def same(first, second):
    return all(
        one['id'] == other['id']
        and torch.equal(one['inputs'], other['inputs'])
        and np.array_equal(one['points'], other['points'])
        for one, other in zip(first, second, strict=True)
    )


@pytest.fixture(scope='module')
def reference(dataset):
    return batches(dataset)


# Python 3.12 and later warn about any fork of a process with threads.
@pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')
@pytest.mark.parametrize('workers', [0, 1, 2])
def test_workers_change_nothing(dataset, reference, workers):
    np.random.seed(workers)  # nor does numpy's global state
    torch.manual_seed(workers)
    assert sorted(i for batch in reference for i in batch['id']) == list(range(1, 9))
    assert same(batches(dataset, workers), reference)


@pytest.mark.parametrize('change', [{'epoch': 1}, {'seed': 6}])
def test_another_epoch_or_seed_draws_anew(dataset, reference, change):
    by_id = {i: image for b in reference for i, image in zip(b['id'], b['inputs'], strict=True)}
    others = batches(dataset, **change)
    pairs = [(by_id[i], im) for b in others for i, im in zip(b['id'], b['inputs'], strict=True)]
    assert len(pairs) == 8
    assert not any(torch.equal(one, other) for one, other in pairs)
    assert [b['id'] for b in others] != [b['id'] for b in reference]  # and shuffles anew


def ranks(monkeypatch, kind, world, **arguments):
    """A sampler for each of so many ranks over eight samples."""
    made = []
    for rank in range(world):
        place = (rank, world)
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda place=place: place)
        made.append(kind(range(8), seed=4, **arguments))
    return made


def drawn(index):
    return (int(index), index.seed, index.epoch, index.rng().random())


@pytest.mark.parametrize('world', [1, 2, 3])
def test_ranks_share_the_same_samples_and_draws(monkeypatch, world):
    alone = DefaultSampler(range(8), shuffle=True, seed=4)
    alone.set_epoch(2)
    shared = ranks(monkeypatch, DefaultSampler, world, shuffle=True, round_up=False)
    for sampler in shared:
        sampler.set_epoch(2)
    together = [drawn(index) for sampler in shared for index in sampler]
    assert sorted(together) == sorted(drawn(index) for index in alone)
    assert len({number for *_, number in together}) == 8


@pytest.mark.parametrize('world', [1, 2, 3])
def test_endless_sampling_is_the_same_over_ranks(monkeypatch, world):
    alone = [drawn(i) for i in islice(iter(InfiniteSampler(range(8), seed=4)), 24)]
    assert [epoch for _, _, epoch, _ in alone] == [0] * 8 + [1] * 8 + [2] * 8
    shared = ranks(monkeypatch, InfiniteSampler, world)
    together = [drawn(i) for sampler in shared for i in islice(iter(sampler), 24 // world)]
    assert sorted(together) == sorted(alone)


def test_an_index_travels_to_a_worker_with_its_seed_and_epoch():
    index = SampleIndex(7, seed=11, epoch=2)
    copied = pickle.loads(pickle.dumps(index))
    assert (copied, copied.seed, copied.epoch) == (7, 11, 2)
    assert copied.rng().random() == index.rng().random()
    assert [10, 11, 12, 13, 14, 15, 16, 17][index] == 17  # it is an int


@pytest.mark.parametrize(
    'joined', [lambda part: ConcatDataset([part, part]), lambda part: RepeatDataset(part, 2)]
)
def test_sets_made_of_others_draw_by_the_sampler_s_index(dataset, joined):
    """Sample 9 of a set of twice eight is the second face, with draws of its own."""
    whole = joined(dataset)
    ninth = SampleIndex(9, seed=5, epoch=0)
    found, again = (whole[ninth]['inputs'] for _ in range(2))
    assert torch.equal(found, again)
    assert not torch.equal(found, whole[SampleIndex(1, seed=5, epoch=0)]['inputs'])
    assert whole[ninth]['data_samples'].id == 2


def test_transforms_that_draw_from_global_state_belong_to_the_sample_too(face_set):
    def draw(results):
        return {'drawn': (random.random(), np.random.random())}

    dataset = AFLWDataset(
        data_root=str(face_set),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        pipeline=[draw],
    )
    first, other, again = (dataset[SampleIndex(i, 5, 0)]['drawn'] for i in (3, 4, 3))
    assert first == again
    assert first != other


def test_without_a_sampler_of_ours_numpy_s_global_state_decides():
    np.random.seed(1)
    first = sample_rng({}).random()
    np.random.seed(1)
    assert sample_rng({}).random() == first
    assert sample_rng({}).random() != first
