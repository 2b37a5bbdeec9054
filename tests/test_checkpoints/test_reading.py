"""Checkpoints: what is read, and what is written."""

import pickle
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import MultiStepLR, OptimWrapper
from pickling import content, mapping, name, plain, zipped
from torch import nn

from mmpose_lite.checkpoints import read_checkpoint

ZIP_OR_OLD = pytest.mark.parametrize('new', [True, False], ids=['zip', 'old'])


@ZIP_OR_OLD
def test_what_mmengine_writes_is_read(tmp_path, new):
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
                'names': np.array(['eye', 'chin']),
                'flags': np.array([[True], [False]]),
            },
        },
        'message_hub': {'log_scalars': {'train/loss': history}, 'runtime_info': {}},
    }
    path = tmp_path / 'epoch_4.pth'
    torch.save(content, path, _use_new_zipfile_serialization=new)
    read = read_checkpoint(str(path))
    assert read['state_dict']['weight'].tolist() == [1, 1]
    assert read['meta']['epoch'] == 4
    assert 'config' not in read['meta']
    points = read['meta']['dataset_meta']
    assert points['dataset_keypoint_weights'].tolist() == [1, 1, 1]
    assert points['sigmas'].shape == (0,)
    assert points['num_keypoints'] == 3
    assert points['names'].tolist() == ['eye', 'chin']
    assert points['flags'].tolist() == [[True], [False]]
    assert read['message_hub']['log_scalars']['train/loss'].mean() == 2


def states(kind):
    """Content that a run of mmengine's stores: model, optimizer, schedule and average."""
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    settings = {'amsgrad': True} if kind in ('Adam', 'AdamW') else {'momentum': 0.9}
    wrapper = OptimWrapper(getattr(torch.optim, kind)(model.parameters(), lr=0.1, **settings))
    wrapper.initialize_count_status(model, 0, 4)
    schedule = MultiStepLR(wrapper.optimizer, milestones=[1, 1, 3])
    average = ExponentialMovingAverage(model)
    for _ in range(2):
        wrapper.update_params(model(torch.ones(2, 3, 4, 4)).sum())
        average.update_parameters(model)
        schedule.step()
    return {
        'state_dict': model.state_dict(),
        'ema_state_dict': average.state_dict(),
        'optimizer': wrapper.state_dict(),
        'param_schedulers': [schedule.state_dict()],
        'meta': {'epoch': 1, 'names': {'eye', 'chin'}, 'size': torch.Size([2, 3])},
    }


@ZIP_OR_OLD
@pytest.mark.parametrize('kind', ['SGD', 'Adam', 'AdamW', 'RMSprop'])
def test_the_states_of_a_run_are_read(tmp_path, kind, new):
    content, path = states(kind), tmp_path / 'epoch_1.pth'
    torch.save(content, path, _use_new_zipfile_serialization=new)
    read = read_checkpoint(str(path))
    assert same(read, content)
    assert read['state_dict']._metadata == content['state_dict']._metadata
    assert type(read['param_schedulers'][0]['milestones']) is Counter


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@ZIP_OR_OLD
@pytest.mark.parametrize(
    'dtype',
    [
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    ],
)
def test_tensors_of_all_types_and_layouts_are_read(tmp_path, dtype, new):
    whole = torch.arange(24).reshape(2, 3, 4, 1).to(dtype)
    tensors = {
        'whole': whole,
        'channels_last': whole.contiguous(memory_format=torch.channels_last),
        'part': whole[:, 1:, ::2],
        'turned': whole.transpose(0, 2),
        'number': whole[0, 1, 2, 0],
        'empty': whole[:0],
        'one_of_one': whole[:, :1].expand(2, 1, 4, 1),
    }
    path = tmp_path / 'x.pth'
    torch.save({'state_dict': tensors}, path, _use_new_zipfile_serialization=new)
    read = read_checkpoint(str(path))['state_dict']
    assert same(read, tensors)
    assert [each.stride() for each in read.values()] == [each.stride() for each in tensors.values()]


def test_shared_and_named_parameters_are_read(tmp_path):
    """As MMPose 0.x and torchvision have stored them."""
    weight = nn.Parameter(torch.ones(3))
    path = tmp_path / 'x.pth'
    torch.save({'a': weight, 'b': weight, 'c': [weight.data]}, path)
    read = read_checkpoint(str(path))
    assert read['a'] is read['b']
    assert read['a'].data_ptr() == read['c'][0].data_ptr()


def test_a_history_brings_no_statistics_of_its_own(tmp_path):
    """mmengine's class would put the functions that a file names among those of all histories."""
    HistoryBuffer.register_statistics(median)
    try:
        path = tmp_path / 'x.pth'
        history = HistoryBuffer([1.0], [1])
        torch.save({'message_hub': {'log_scalars': {'loss': history}}}, path)
        with pytest.raises(ValueError, match=r'is refused: .*median'):
            read_checkpoint(str(path))
    finally:
        del HistoryBuffer._statistics_methods['median']


def median(history):
    return 0


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
    assert 'cfg' not in read['meta']
    assert 'cfg' not in read['message_hub']['runtime_info']
    assert 'cfg' not in read['message_hub']['resumed_keys']


def test_a_file_of_a_run_must_keep_its_footer(tmp_path, trained):
    """A file that has lost it was damaged or changed; it is still read where it is trusted."""
    path = tmp_path / 'changed.pth'
    torch.save(torch.load(trained.checkpoint, weights_only=True), path)
    with pytest.raises(ValueError, match=r'changed\.pth.*must end with'):
        read_checkpoint(str(path))
    assert read_checkpoint(str(path), trusted=True)['meta']['epoch'] == 80


def test_a_damaged_footer_is_no_matter_of_trust(tmp_path, trained):
    content = bytearray(trained.checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / 'flipped.pth').write_bytes(content)
    for trusted in (False, True):
        with pytest.raises(ValueError, match=r'flipped\.pth.*is damaged'):
            read_checkpoint(str(tmp_path / 'flipped.pth'), trusted=trusted)


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (b'', r'odd\.pth.*cannot be read'),
        (b'<html>404</html>', r'odd\.pth.*cannot be read: it is not a torch file'),
        (b'a text\n', r'odd\.pth.*cannot be read: it is not a torch file'),
        (pickle.dumps({'state_dict': {}}, protocol=2)[:-4], r'odd\.pth.*cannot be read'),
        (pickle.dumps({'state_dict': {}}, protocol=2), r'odd\.pth.*not a torch file'),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path, value, message):
    path = tmp_path / 'odd.pth'
    path.write_bytes(value)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(str(path))


@pytest.mark.parametrize(
    ('history', 'message'),
    [
        ({'log_history': [1], 'count_history': [1], 'max_length': 9}, 'loss is not a log history'),
        ({}, 'loss is not a log history'),
        (
            {'log_history': torch.ones(3), 'count_history': torch.ones(3), 'max_length': 2},
            r'loss\.max_length=2',
        ),
    ],
)
def test_a_log_history_that_is_none_is_named(tmp_path, history, message):
    torch.save({'message_hub': {'log_scalars': {'loss': history}}}, tmp_path / 'odd.pth')
    with pytest.raises(ValueError, match=rf'odd\.pth.*log_scalars\.{message}'):
        read_checkpoint(str(tmp_path / 'odd.pth'))


def test_half_precision_in_the_metainfo_is_read(tmp_path):
    meta = {'dataset_meta': {'sigmas': torch.ones(2, dtype=torch.bfloat16)}}
    torch.save({'meta': meta}, tmp_path / 'x.pth')
    assert read_checkpoint(str(tmp_path / 'x.pth'))['meta']['dataset_meta']['sigmas'].sum() == 2


def test_a_tensor_without_a_name_is_an_error(tmp_path):
    torch.save({'state_dict': {'a': torch.ones(1), 3: torch.ones(1)}}, tmp_path / 'odd.pth')
    with pytest.raises(ValueError, match=r'odd\.pth.*state_dict has the key 3'):
        read_checkpoint(str(tmp_path / 'odd.pth'))


def test_a_history_out_of_place_is_refused(tmp_path):
    part = name('mmengine.logging.history_buffer HistoryBuffer') + b')\x81'
    (tmp_path / 'odd.pth').write_bytes(zipped(content(mapping(x=part, y=plain(1)))))
    with pytest.raises(ValueError, match=r'odd\.pth.*is refused: .*StoredHistory'):
        read_checkpoint(str(tmp_path / 'odd.pth'))


def test_checkpoints_that_are_to_go_lie_beside_the_file(tmp_path):
    """mmengine would remove these paths once there is a better checkpoint."""
    info = {
        'best_ckpt': '/elsewhere/best_NME_epoch_3.pth',
        'best_ckpt_PCK': '/etc/passwd',
        'kept_checkpoints': ['epoch_1.pth', '../../other.pth', 'notes.txt', 3],
        'keep_ckpt_ids': [4, '../x'],
        'best_score': 0.5,
    }
    hub = {'runtime_info': info, 'resumed_keys': dict.fromkeys(info, True), 'log_scalars': {}}
    torch.save({'message_hub': hub}, tmp_path / 'epoch_4.pth')
    hub = read_checkpoint(str(tmp_path / 'epoch_4.pth'))['message_hub']
    assert hub['runtime_info'] == {
        'best_ckpt': str(tmp_path / 'best_NME_epoch_3.pth'),
        'kept_checkpoints': ['epoch_1.pth'],
        'keep_ckpt_ids': [4],
        'best_score': 0.5,
    }
    assert set(hub['resumed_keys']) == set(hub['runtime_info'])


def test_a_lone_tensor_is_no_checkpoint(tmp_path):
    torch.save(torch.ones(3), tmp_path / 'odd.pth')
    with pytest.raises(ValueError, match=r'odd\.pth.*Tensor'):
        read_checkpoint(str(tmp_path / 'odd.pth'))


def test_a_file_cut_short_is_named(tmp_path, trained):
    content = trained.checkpoint.read_bytes()
    (tmp_path / 'cut.pth').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r'cut\.pth.*cannot be read'):
        read_checkpoint(str(tmp_path / 'cut.pth'))


@pytest.mark.parametrize(('path', 'fault'), [('gone.pth', 'does not exist'), ('.', 'is a folder')])
def test_what_is_no_file_is_named(path, fault):
    with pytest.raises(FileNotFoundError, match=rf"'{path}' {fault}"):
        read_checkpoint(path)


def test_weights_under_the_name_of_others_are_found(tmp_path):
    torch.save({'model': {'conv.weight': torch.ones(2)}, 'epoch': 3}, tmp_path / 'x.pth')
    assert list(read_checkpoint(str(tmp_path / 'x.pth'))['state_dict']) == ['conv.weight']
