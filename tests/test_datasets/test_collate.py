"""Batches of a loader: lists, or from a worker one piece of shared memory each."""

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from helpers.crop_caches import build
from helpers.data_factory import make_face_set
from mmpose_lite.datasets import DefaultSampler
from mmpose_lite.datasets.collate import collate_samples, explaining_workers
from mmpose_lite.engine import PoseRunner
from mmpose_lite.errors import InputError
from mmpose_lite.models import PoseDataPreprocessor
from mmpose_lite.utils import register_all_modules

# Python 3.12 and later warn about any fork of a process with threads.
pytestmark = pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')


class Samples(torch.utils.data.Dataset):
    """So many samples of a function of their index."""

    def __init__(self, make, count=3):
        self.make = make
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {'inputs': self.make(index), 'data_samples': index}


def load(samples, workers):
    loader = DataLoader(samples, 3, num_workers=workers, collate_fn=collate_samples)
    (batch,) = loader
    return batch


def image(index):
    """Channels-last, as images of the pipeline are."""
    return torch.full((4, 5, 3), index, dtype=torch.uint8).permute(2, 0, 1)


def test_in_the_process_itself_batches_are_lists():
    batch = load(Samples(image), 0)
    assert isinstance(batch['inputs'], list)
    assert batch['data_samples'] == [0, 1, 2]


def test_a_worker_stacks_images_as_they_lie_in_memory():
    batch = load(Samples(image), 1)
    inputs = batch['inputs']
    assert inputs.is_shared()
    assert inputs.shape == (3, 3, 4, 5)
    assert inputs.permute(0, 2, 3, 1).is_contiguous()
    assert torch.equal(inputs, torch.stack([image(i) for i in range(3)]))
    assert batch['data_samples'] == [0, 1, 2]


def test_a_worker_stacks_indices_of_crops():
    batch = load(Samples(torch.tensor), 1)
    assert batch['inputs'].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    'make',
    [lambda i: torch.zeros(3, 4 + i, 5), lambda i: image(i) if i else None],
    ids=['sizes', 'none'],
)
def test_what_differs_stays_a_list(make):
    inputs = load(Samples(make), 1)['inputs']
    assert isinstance(inputs, list)
    assert [None if each is None else each.shape for each in inputs] == [
        None if make(i) is None else make(i).shape for i in range(3)
    ]


@pytest.mark.parametrize('cache', [None, True])
def test_the_network_gets_the_same(tmp_path, cache):
    dataset = build(make_face_set(tmp_path / 'faces', train=6, test=2), cache)
    prepare = PoseDataPreprocessor([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], bgr_to_rgb=True)
    prepared = []
    for workers, collate in ((0, pseudo_collate), (0, collate_samples), (2, collate_samples)):
        sampler = DefaultSampler(dataset, shuffle=True, seed=3)
        loader = DataLoader(dataset, 3, sampler=sampler, num_workers=workers, collate_fn=collate)
        prepared.append([prepare(batch) for batch in loader])
    for batches in zip(*prepared, strict=True):
        first, *others = batches
        for other in others:
            assert torch.equal(first['inputs'], other['inputs'])
            assert first['inputs'].stride() == other['inputs'].stride()
            for one, two in zip(first['data_samples'], other['data_samples'], strict=True):
                assert one.id == two.id
                assert set(one.metainfo_keys()) == set(two.metainfo_keys())
                assert np.array_equal(one.gt_instances.keypoints, two.gt_instances.keypoints)


def test_it_is_what_loaders_of_a_run_do_unless_told_otherwise(tmp_path):
    dataset = build(make_face_set(tmp_path / 'faces', train=6, test=2), None)
    asked = {'dataset': dataset, 'batch_size': 3, 'sampler': {'type': 'DefaultSampler'}}
    register_all_modules(init_default_scope=True)
    assert PoseRunner.build_dataloader(asked).collate_fn is collate_samples
    asked['collate_fn'] = {'type': 'pseudo_collate'}
    loader = PoseRunner.build_dataloader({**asked, 'num_workers': 1})
    assert all(isinstance(batch['inputs'], list) for batch in loader)


WORKERS = {
    'unable to allocate shared memory(shm) for file </torch_1_2_0>: No space left on device (28)': (
        '--shm-size'
    ),
    'unable to open shared memory object </torch_1_2_0> in read-write mode': '--shm-size',
    'unable to write to file </torch_1_2_0>': '--shm-size',
    "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's": (
        '--shm-size'
    ),
    'received 0 items of ancdata': 'ulimit -n',
    'Caught OSError in DataLoader worker process 0.\n... [Errno 24] Too many open files': 'ulimit',
}


@pytest.mark.parametrize('kind', [RuntimeError, OSError])
@pytest.mark.parametrize('text', WORKERS)
@pytest.mark.parametrize('name', ['train', 'val', 'test'])
def test_workers_without_room_are_told_the_way_out(monkeypatch, kind, text, name):
    """Whichever loop meets it."""

    def fail(*_):
        raise kind(text)

    monkeypatch.setattr(PoseRunner, 'work_dir', property(fail))  # what a training asks for first
    monkeypatch.setattr(PoseRunner, '_maybe_compile', fail)
    runner = object.__new__(PoseRunner)
    runner._val_loop = runner._test_loop = {}
    with pytest.raises(InputError, match=WORKERS[text]) as caught:
        getattr(runner, name)()
    assert 'num_workers=0' in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('CUDA out of memory'),
        RuntimeError('backend raised: out of resource: shared memory, Required: 245760'),
        InputError('(shm)'),
    ],
)
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as caught, explaining_workers():
        raise error
    assert caught.value is error
