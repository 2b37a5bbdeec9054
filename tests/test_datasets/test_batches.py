"""A batch of cached crops is loaded together, and is what its faces are one by one."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from crop_caches import AUGMENT, build
from data_factory import make_face_set

from mmpose_lite.datasets.datasets.base import batches
from mmpose_lite.datasets.randomness import SampleIndex, draws_globally
from mmpose_lite.datasets.transforms import Albumentation, RandomFlip


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_face_set(tmp_path_factory.mktemp('faces'), train=6, test=2)


def indices(count=6):
    return [SampleIndex(i, 3, epoch) for epoch in range(4) for i in range(count)]


def assert_same(batch, singles):
    assert len(batch) == len(singles)
    for one, two in zip(batch, singles, strict=True):
        assert torch.equal(one['inputs'], two['inputs'])
        first, second = one['data_samples'], two['data_samples']
        assert set(first.metainfo_keys()) == set(second.metainfo_keys())
        assert first.id == second.id
        truths = [dict(each.gt_instances.items()) for each in (first, second)]
        assert truths[0].keys() == truths[1].keys()
        assert all(np.array_equal(value, truths[1][name]) for name, value in truths[0].items())


@pytest.fixture
def together(monkeypatch):
    """How many batches were loaded together."""
    counted = []
    start = batches._start
    monkeypatch.setattr(batches, '_start', lambda *args: counted.append(args) or start(*args))
    return counted


def test_a_batch_is_its_faces_one_by_one(root, together):
    dataset = build(root)
    assert_same(dataset.__getitems__(indices()), [dataset[i] for i in indices()])
    assert len(together) == 24


def test_indices_without_a_seed_are_loaded_too(root, together):
    dataset = build(root, augment=[])
    assert_same(dataset.__getitems__([4, 0, 2]), [dataset[i] for i in (4, 0, 2)])
    assert len(together) == 3


def refuse_the_second(results):
    return None if results['id'] == 2 else results


refuse_the_second.extend_crop = lambda extent: extent
refuse_the_second.draws_globally = False


def test_another_face_is_drawn_where_the_pipeline_refuses_one(root, together):
    dataset = build(root, augment=[*AUGMENT, refuse_the_second])
    batch = dataset.__getitems__(indices())
    assert_same(batch, [dataset[i] for i in indices()])
    assert len(batch) == len(together) == 24
    assert not any(sample['data_samples'].id == 2 for sample in batch)


def jitter(results):
    """Draws from numpy's global state, as transforms of others may."""
    return {**results, 'bbox_center': results['bbox_center'] + np.random.random()}


jitter.extend_crop = lambda extent: extent


@pytest.mark.parametrize(
    'arguments',
    [{'cache': None}, {'augment': [*AUGMENT, jitter]}, {'on_bad_image': 'replace'}],
    ids=['photographs', 'global state', 'replacements'],
)
def test_what_does_not_go_together_is_loaded_one_by_one(root, together, arguments):
    dataset = build(root, **arguments)
    assert_same(dataset.__getitems__(indices()), [dataset[i] for i in indices()])
    assert not together


def test_only_transforms_of_others_may_draw_globally():
    assert not draws_globally(RandomFlip())
    assert draws_globally(jitter)
    assert not draws_globally(refuse_the_second)


class OldCompose:
    """Of an albumentations that takes no seed: it draws from Python's global state."""

    def __init__(self, transforms):
        self.transforms = transforms


class Compose(OldCompose):
    def set_random_seed(self, seed):
        self.seed = seed


@pytest.mark.parametrize(('compose', 'expected'), [(OldCompose, True), (Compose, False)])
def test_albumentations_that_take_no_seed_draw_globally(monkeypatch, compose, expected):
    monkeypatch.setitem(sys.modules, 'albumentations', SimpleNamespace(Compose=compose))
    assert draws_globally(Albumentation([])) is expected
