"""A batch of cached crops is loaded together, and is what its faces are one by one."""

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform

from helpers.crop_caches import AUGMENT, build
from helpers.data_factory import make_face_set
from mmpose_lite.datasets import AFLWDataset, BaseCocoStyleDataset, RandomFlip
from mmpose_lite.datasets.samplers import SampleIndex


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_face_set(tmp_path_factory.mktemp('faces'), train=6, test=2)


def indices(count=6):
    return [SampleIndex(i, 3, epoch) for epoch in range(4) for i in range(count)]


def assert_same(batch, singles):
    assert len(batch) == len(singles)
    for one, two in zip(batch, singles, strict=True):
        assert torch.equal(one['inputs'], two['inputs'])
        for first, second in (
            [dict(each['data_samples'].metainfo.items()) for each in (one, two)],
            [dict(each['data_samples'].gt_instances.items()) for each in (one, two)],
        ):
            assert first.keys() == second.keys()
            assert all(np.array_equal(value, second[name]) for name, value in first.items())


@pytest.fixture
def alone(monkeypatch):
    """The indices that were loaded one by one."""
    loaded = []
    load = AFLWDataset.prepare_data

    def prepare_data(self, idx):
        loaded.append(idx)
        return load(self, idx)

    monkeypatch.setattr(BaseCocoStyleDataset, 'prepare_data', prepare_data)
    return loaded


def test_a_batch_is_its_faces_one_by_one(root, alone):
    dataset = build(root)
    batch = dataset.__getitems__(indices())
    assert len(batch) == 24
    assert not alone
    assert_same(batch, [dataset[i] for i in indices()])
    # Faces differ, and so do the draws of a face.
    assert len({sample['inputs'].sum().item() for sample in batch}) > 12


@pytest.mark.parametrize('warp', [True, False])
def test_changes_of_pixels_go_together_too(root, alone, warp):
    albu = [{'type': kind, 'p': 0.5} for kind in ('Blur', 'MedianBlur', 'CoarseDropout')]
    steps = [
        *({'type': kind} for kind in ('LoadImage', 'GetBBoxCenterScale', 'RandomHalfBody')),
        *AUGMENT,
        {'type': 'TopdownAffine', 'input_size': (32, 32), 'warp': warp},
        *({'type': kind} for kind in ('YOLOXHSVRandomAug', 'PhotometricDistortion')),
        {'type': 'Albumentation', 'transforms': albu},
        {'type': 'PackPoseInputs'},
    ]
    dataset = build(root, steps=steps)
    batch = dataset.__getitems__(indices())
    assert not alone
    assert_same(batch, [dataset[i] for i in indices()])
    assert all(('pixel_changes' in sample['data_samples']) != warp for sample in batch)


class RefusesTheSecond(BaseTransform):
    leaves_pixels_alone = True

    def extend_crop(self, extent):
        return extent

    def transform(self, results):
        return None if results['id'] == 2 else results


def test_another_face_is_drawn_where_the_pipeline_refuses_one(root, alone):
    dataset = build(root, augment=[*AUGMENT, {'type': RefusesTheSecond}])
    batch = dataset.__getitems__(indices())
    assert [int(index) for index in alone] == [1] * 4
    assert_same(batch, [dataset[i] for i in indices()])
    assert not any(sample['data_samples'].id == 2 for sample in batch)


class Jitter(RandomFlip):
    """Draws from numpy's global state, as others' transforms may; what it inherits does not."""

    def transform(self, results):
        return super().transform(
            {**results, 'bbox_center': results['bbox_center'] + np.random.random()}
        )


class Marked(AFLWDataset):
    """A data set that does something of its own with each sample."""

    def prepare_data(self, idx):
        return {**super().prepare_data(idx), 'marked': int(idx)}


@pytest.mark.parametrize(
    'arguments',
    [
        {'cache': None},
        {'augment': [*AUGMENT, {'type': Jitter}]},
        {'augment': [*AUGMENT, {'type': 'PhotometricDistortion'}], 'cache': None},
        {'on_bad_image': 'replace'},
    ],
    ids=['photographs', 'others', 'pixels', 'replacements'],
)
def test_what_does_not_go_together_is_loaded_one_by_one(root, alone, arguments):
    dataset = build(root, **arguments)
    batch = dataset.__getitems__(indices())
    assert alone == indices()
    assert_same(batch, [dataset[i] for i in indices()])


def test_indices_without_a_seed_are_loaded_one_by_one(root, alone):
    dataset = build(root, augment=[])
    assert_same(dataset.__getitems__([4, 0, 2]), [dataset[i] for i in (4, 0, 2)])
    assert alone == [4, 0, 2] * 2


def test_what_a_data_set_does_with_each_sample_is_done(root):
    dataset = build(root)
    dataset.__class__ = Marked
    assert [sample['marked'] for sample in dataset.__getitems__(indices())] == indices()
