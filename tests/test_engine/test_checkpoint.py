"""Checkpoints: what is read, what is refused without being run, and what is written."""

import os
import pickle
import shutil
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from mmpose_lite.engine.checkpoint import load_strictly, read_checkpoint


class Call:
    """Unpickling it would call a function with a path."""

    def __init__(self, function, path):
        self.function, self.path = function, path

    def __reduce__(self):
        return self.function, (str(self.path),)


# The first is of a module that torch blocks, the second is one that it does not know.
@pytest.mark.parametrize(
    ('function', 'name'), [(os.makedirs, 'os.makedirs'), (shutil.rmtree, 'shutil.rmtree')]
)
def test_a_foreign_type_is_refused_named_and_not_run(tmp_path, function, name):
    canary, path = tmp_path / 'canary', tmp_path / 'evil.pth'
    was_there = function is shutil.rmtree
    if was_there:
        canary.mkdir()
    torch.save({'state_dict': {}, 'meta': {'x': Call(function, canary)}}, path)
    with pytest.raises(ValueError, match=rf'evil\.pth.*{name}'):
        read_checkpoint(str(path))
    assert canary.exists() == was_there


def test_getattr_is_not_a_way_around(tmp_path):
    """A stored log history names its statistics by getattr: only these can be had by it."""

    class Attribute:
        def __reduce__(self):
            return getattr, (HistoryBuffer, '__init__')

    path = tmp_path / 'evil.pth'
    torch.save({'state_dict': {}, 'meta': Attribute()}, path)
    with pytest.raises(ValueError, match=r'evil\.pth'):
        read_checkpoint(str(path))


def test_what_mmengine_writes_is_read(tmp_path):
    """Log histories and the metainfo's arrays, for which torch.load asks to be made unsafe."""
    history = HistoryBuffer([1.0, 3.0], [1, 1])
    content = {
        'state_dict': OrderedDict(weight=torch.ones(2)),
        'meta': {
            'epoch': 4,
            'config': 'import os',  # mmengine would run it as Python when it resumes
            'dataset_meta': {
                'dataset_keypoint_weights': np.ones(3, np.float32),
                'sigmas': np.array([], np.float64),
                'num_keypoints': np.int64(3),
            },
        },
        'message_hub': {'log_scalars': {'train/loss': history}, 'runtime_info': {}},
    }
    path = tmp_path / 'epoch_4.pth'
    torch.save(content, path)
    read = read_checkpoint(str(path))
    assert read['state_dict']['weight'].tolist() == [1, 1]
    assert read['meta']['epoch'] == 4
    assert 'config' not in read['meta']
    points = read['meta']['dataset_meta']
    assert points['dataset_keypoint_weights'].tolist() == [1, 1, 1]
    assert points['sigmas'].shape == (0,)
    assert points['num_keypoints'] == 3
    assert read['message_hub']['log_scalars']['train/loss'].mean() == 2


def test_a_file_of_a_run_holds_plain_data(trained):
    """So plain that torch reads it without any list of allowed types."""
    content = torch.load(trained.checkpoint, weights_only=True)
    assert content['meta']['epoch'] == 80
    assert len(content['state_dict']) > 100
    assert {'optimizer', 'message_hub'} <= set(content)


def test_a_file_of_a_run_is_read(trained):
    read = read_checkpoint(str(trained.checkpoint))
    assert isinstance(read['meta']['dataset_meta']['dataset_keypoint_weights'], np.ndarray)
    history = read['message_hub']['log_scalars']['train/loss_kpt']
    assert history.data[0].shape == (80,)  # one iteration an epoch
    assert history.current() < history.data[0][0]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'odd\.pth.*cannot be read'),
        (b'<html>404</html>', r'odd\.pth.*cannot be read'),
        (pickle.dumps({'state_dict': {}}, protocol=2)[:-4], r'odd\.pth.*cannot be read'),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path, content, message):
    path = tmp_path / 'odd.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(str(path))


def test_a_lone_tensor_is_no_checkpoint(tmp_path):
    torch.save(torch.ones(3), tmp_path / 'odd.pth')
    with pytest.raises(ValueError, match=r'odd\.pth.*Tensor'):
        read_checkpoint(str(tmp_path / 'odd.pth'))


def test_a_file_cut_short_is_named(tmp_path, trained):
    content = trained.checkpoint.read_bytes()
    (tmp_path / 'cut.pth').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r'cut\.pth.*cannot be read'):
        read_checkpoint(str(tmp_path / 'cut.pth'))


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r'gone\.pth'):
        read_checkpoint('gone.pth')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'weight': None}, 'in 1 tensors: weight is missing'),
        ({'other': torch.ones(1)}, 'in 1 tensors: other is left over'),
        ({'bias': torch.ones(5)}, r'bias is \(5,\), the model has \(2,\)'),
    ],
)
def test_weights_must_fit_to_the_last_tensor(change, message):
    model = nn.Linear(3, 2)
    given = {'weight': torch.ones(2, 3), 'bias': torch.zeros(2), **change}
    given = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(ValueError, match=rf"'some\.pth' does not fit.*{message}"):
        load_strictly(model, given, 'some.pth')


def test_weights_that_fit_are_loaded_whatever_they_were_wrapped_in():
    model = nn.Linear(3, 2)
    given = {'module.weight': torch.full((2, 3), 4.0), 'module.bias': torch.zeros(2)}
    load_strictly(model, {'state_dict': given, 'meta': {}}, 'some.pth')
    assert model.weight.unique().tolist() == [4]
