"""``mmpose-lite publish`` and ``info``: checkpoints for other people, and what is in them."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.torch
import torch

from helpers.in_process import run_main
from mmpose_lite.apis import inference_topdown
from mmpose_lite.checkpoints import read_checkpoint, read_config_of
from mmpose_lite.cli.info import main as info
from mmpose_lite.cli.publish import main as publish
from mmpose_lite.errors import InputError
from mmpose_lite.inference import BoxMap
from mmpose_lite.inference.calibration import (
    Calibration,
    DetectorFit,
    calibration_path,
    find_calibration,
    write_calibration,
)
from mmpose_lite.inference.models import load_model
from mmpose_lite.structures import parse_pose_metainfo
from mmpose_lite.utils.config_text import config_text

TWO_POINTS = {
    'dataset_name': 'two',
    'keypoint_info': {i: {'name': name, 'id': i} for i, name in enumerate(('left', 'right'))},
    'skeleton_info': {},
    'joint_weights': [1, 1],
    'sigmas': [],
}


@pytest.fixture
def checkpoint(tmp_path):
    state = {'backbone.conv.weight': torch.tensor([[0.1, 2.0], [3.0, -4.0]])}
    state['backbone.bn.num_batches_tracked'] = torch.tensor(7)
    data = {'dataset': 'AFLWDataset', 'faces': 8}
    meta = {'epoch': 3, 'seed': 5, 'trained_with': {'optimizer': ['Adam'], 'data': data}}
    meta['dataset_meta'] = parse_pose_metainfo(TWO_POINTS)
    meta['cfg'] = 'input_size = (64, 48)'
    content = {'state_dict': state, 'meta': meta, 'optimizer': {'state': {}}}
    torch.save(content, tmp_path / 'epoch_3.pth')
    return tmp_path / 'epoch_3.pth'


@pytest.mark.parametrize('form', ['pth', 'safetensors'])
@pytest.mark.parametrize('half', [False, True], ids=['full', 'half'])
def test_a_published_checkpoint_has_weights_alone_under_its_hash(form, half, checkpoint, tmp_path):
    words = ['--half'] * half + ['--format', form, '--out', 'out']
    run_main(publish, checkpoint, *words, cwd=tmp_path)
    (file,) = (tmp_path / 'out').glob(f'*.{form}')
    assert file.stem == f'epoch_3-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}'
    content = read_checkpoint(str(file))
    assert set(content) == {'state_dict', 'meta'}
    known = {'mmpose_lite', 'published_from', 'iter', 'dataset_meta', 'input_size'}
    assert set(content['meta']) <= known
    assert tuple(content['meta']['input_size']) == (64, 48)
    state = content['state_dict']
    weight = state['backbone.conv.weight']
    assert weight.dtype == (torch.float16 if half else torch.float32)
    given = read_checkpoint(str(checkpoint))['state_dict']['backbone.conv.weight']
    torch.testing.assert_close(weight.float(), given, rtol=1e-3, atol=0)
    assert state['backbone.bn.num_batches_tracked'] == 7


def test_a_description_of_points_opens_no_file(tmp_path):
    trap = tmp_path / 'trap.py'
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\ndataset_info = dict()\n")
    meta = {'mmpose_lite': json.dumps({'dataset_meta': {'from_file': str(trap)}})}
    file = tmp_path / 'a.safetensors'
    safetensors.torch.save_file({'x': torch.zeros(1)}, file, meta)
    with pytest.raises(InputError, match=r'a\.safetensors.*points is damaged'):
        read_checkpoint(str(file))
    assert not (tmp_path / 'sprung').exists()


def test_a_partial_description_is_left_out_of_safetensors_with_a_line(checkpoint, tmp_path):
    content = read_checkpoint(str(checkpoint))
    content['meta']['dataset_meta'] = {'dataset_name': 'two', 'keypoint_id2name': {0: 'left'}}
    torch.save(content, checkpoint)
    printed = run_main(publish, checkpoint, '--format', 'safetensors', '--out', 'out', cwd=tmp_path)
    assert 'the description of the points lacks dataset_keypoint_weights' in printed
    (file,) = (tmp_path / 'out').glob('*.safetensors')
    assert 'dataset_meta' not in read_checkpoint(str(file))['meta']


def test_what_names_places_of_the_machine_is_not_published(checkpoint, tmp_path):
    content = read_checkpoint(str(checkpoint))
    step = {'type': 'LoadImage', 'backend_args': {'path_mapping': {'/secret': 's3://secret'}}}
    model = {'type': 'A', 'pretrained': '/secret/a.pth', 'neck': [{'type': 'B', 'init_cfg': 1}]}
    data = {'dataset': {'type': 'C', 'data_root': '/secret', 'pipeline': [step]}}
    content['meta']['cfg'] = config_text({'model': model, 'test_dataloader': data})
    torch.save(content, checkpoint)
    run_main(publish, checkpoint, '--out', 'out', cwd=tmp_path)
    (file,) = (tmp_path / 'out').glob('*.pth')
    kept = {'dataset': {'type': 'C', 'pipeline': [{'type': 'LoadImage'}]}}
    model = {'type': 'A', 'neck': [{'type': 'B'}]}
    assert read_config_of(str(file)) == {'model': model, 'test_dataloader': kept}
    assert 'config       none' in run_main(info, file, cwd=tmp_path)


@pytest.mark.parametrize('form', ['pth', 'safetensors'])
def test_a_published_training_is_a_model_by_itself(form, trained, face_set, tmp_path):
    run_main(publish, trained.checkpoint, '--format', form, '--out', tmp_path, cwd=tmp_path)
    (file,) = tmp_path.glob(f'*.{form}')
    assert str(face_set) in str(read_config_of(str(trained.checkpoint)))
    assert str(face_set) not in str(read_config_of(str(file)))
    model, published = load_model(trained.checkpoint), load_model(file)
    np.testing.assert_equal(published.dataset_meta, model.dataset_meta)
    photograph = str(face_set / 'images' / 'face0.png')
    (one,), (other,) = (inference_topdown(each, photograph) for each in (model, published))
    np.testing.assert_equal(one.pred_instances.keypoints, other.pred_instances.keypoints)
    assert 'HRNet, ' in run_main(info, file, cwd=tmp_path)


def test_published_weights_of_the_package_are_a_model_by_themselves(tmp_path):
    run_main(publish, 'faces19', '--out', tmp_path, cwd=tmp_path)
    (file,) = tmp_path.glob('*.pth')
    assert load_model(file).cfg.model.head.decoder == load_model('faces19').cfg.model.head.decoder


def test_a_config_that_is_more_than_data_is_left_out_with_a_line(checkpoint, tmp_path):
    content = read_checkpoint(str(checkpoint))
    content['meta']['cfg'] = "import os\nmodel = dict(type='HRNet')"
    torch.save(content, checkpoint)
    printed = run_main(publish, checkpoint, '--out', 'out', cwd=tmp_path)
    assert f"The config is left out: checkpoint '{checkpoint}': line 1" in printed
    (file,) = (tmp_path / 'out').glob('*.pth')
    assert read_config_of(str(file)) is None


def test_a_damaged_description_of_points_is_named(tmp_path):
    meta = {'mmpose_lite': json.dumps({'dataset_meta': {'dataset_name': 'x', 'keypoint_info': 1}})}
    file = tmp_path / 'a.safetensors'
    safetensors.torch.save_file({'x': torch.zeros(1)}, file, meta)
    with pytest.raises(InputError, match=r'a\.safetensors.*points is damaged: metainfo lacks'):
        read_checkpoint(str(file))


def test_the_card_has_the_facts_of_the_checkpoint(checkpoint, tmp_path):
    run_main(publish, checkpoint, '--license', 'CC0', '--name', 'faces', cwd=tmp_path)
    (card,) = tmp_path.glob('faces-*.md')
    text = card.read_text()
    rows = ('| epoch | 3 |', '| seed | 5 |', '| optimizer | Adam |', '| licence | CC0 |')
    for row in (*rows, '| training faces | 8 |', '| tensors | 2,'):
        assert row in text
    digest = hashlib.sha256(card.with_suffix('.pth').read_bytes()).hexdigest()
    assert f'| SHA-256 | {digest} |' in text
    assert 'No test is known' in text


def test_the_card_has_the_numbers_of_a_test(checkpoint, tmp_path):
    faces = [
        {'id': i, 'img_path': f'{i}.jpg', 'pred': [[i, 0], [10, 1]], 'gt': [[0, 0], [10, 0]]}
        | {'mask': [True, True], 'bbox': [0, 0, 100, 100], 'scores': [1.0, 1.0], 'subsets': []}
        for i in range(4)
    ]
    (tmp_path / 'dump.json').write_text(
        json.dumps({'config': 'a.py', 'metrics': {}, 'faces': faces})
    )
    run_main(publish, checkpoint, '--dump', tmp_path / 'dump.json', cwd=tmp_path)
    (card,) = tmp_path.glob('epoch_3-*.md')
    assert '| full | 4 | 8 | 1.250 % |' in card.read_text()


@pytest.mark.parametrize('form', ['pth', 'safetensors'])
def test_adapted_weights_keep_their_map_and_their_boxes(form, checkpoint, tmp_path):
    content = read_checkpoint(str(checkpoint))
    label_map = {'weight': [[0.5] * 4] * 4, 'offset': [0.25] * 4}
    adapted = {'from': 'faces19', 'faces': 50, 'before': 0.0307, 'after': 0.025}
    content['meta'] |= {'label_map': label_map, 'adapted': adapted}
    torch.save(content, checkpoint)
    fit = DetectorFit(BoxMap(dx=0.1, dy=0.2, scale=0.9, aspect=1.0), 1.0, 0.8, 5)
    write_calibration(Calibration({'retinaface': fit}), calibration_path(checkpoint), checkpoint)
    printed = run_main(
        publish, checkpoint, '--half', '--format', form, '--out', 'out', cwd=tmp_path
    )
    (file,) = (tmp_path / 'out').glob(f'*.{form}')
    assert read_checkpoint(str(file))['meta']['label_map'] == label_map
    assert find_calibration(str(file)).detectors['retinaface'].box_map == fit.box_map
    assert calibration_path(file).name in printed
    wanted = 'from faces19 to 50 faces: mean distance 3.07 % of the box'
    assert f'| adapted | {wanted}' in file.with_suffix('.md').read_text()
    assert wanted in run_main(info, file, cwd=tmp_path)


def test_numbers_beyond_half_precision_are_refused(tmp_path):
    state = {'a': torch.tensor([1.0]), 'b': torch.tensor([1e6])}
    torch.save({'state_dict': state}, tmp_path / 'a.pth')
    with pytest.raises(SystemExit, match='b has numbers beyond half precision'):
        publish([str(tmp_path / 'a.pth'), '--half'])


def test_info_of_a_checkpoint(checkpoint, tmp_path):
    printed = run_main(info, checkpoint, cwd=tmp_path)
    lines = dict(line.split(None, 1) for line in printed.splitlines())
    assert lines['points'] == '2 of two: left, right'
    assert lines['config'] == 'none: commands need the config before the file'
    assert lines['epoch'] == '3'
    assert lines['tensors'].endswith('(float32, int64)')
    assert 'what a run resumes from' in printed
    facts = json.loads(run_main(info, checkpoint, '--json', cwd=tmp_path))
    assert facts['numbers'] == {'backbone': 5}


def test_info_shows_facts_of_an_unknown_form_as_they_are(checkpoint, tmp_path):
    content = read_checkpoint(str(checkpoint))
    content['meta']['adapted'] = {'from': 'x', 'faces': 'many'}
    torch.save(content, checkpoint)
    printed = run_main(info, checkpoint, cwd=tmp_path)
    lines = dict(line.split(None, 1) for line in printed.splitlines())
    assert lines['adapted'] == "unknown form: {'faces': 'many', 'from': 'x'}"


def test_a_damaged_safetensors_file_is_one_line(tmp_path):
    (tmp_path / 'a.safetensors').write_bytes(b'nothing')
    with pytest.raises(InputError, match=r'a\.safetensors. cannot be read'):
        read_checkpoint(str(tmp_path / 'a.safetensors'))
