"""Names of photographs that are nearly those of the disk, and names that are addresses."""

import json
import os
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, SHAPE, records, write_annotations
from mmpose_lite.datasets import BaseCocoStyleDataset, LoadImage, file_names
from mmpose_lite.datasets.datasets.base import base_coco_style_dataset
from mmpose_lite.datasets.file_names import PhotoFinder
from mmpose_lite.errors import InputError
from mmpose_lite.utils.images import BadImageError, MissingImageError

COMPOSED = unicodedata.normalize('NFC', 'Zoë.png')


@pytest.fixture
def folder(tmp_path):
    for name in ('a/Photo 1.PNG', f'a/{COMPOSED}', 'b/one.png', 'b/ONE.png', 'c.png'):
        path = tmp_path / 'set' / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path.with_suffix('.png')), np.zeros((80, 100, 3), np.uint8))
        path.with_suffix('.png').rename(path)
    return str(tmp_path / 'set' / 'images')


NEAR = {
    'a\\Photo 1.PNG': 'a/Photo 1.PNG',
    'A/photo 1.png': 'a/Photo 1.PNG',
    'a/Photo%201.PNG': 'a/Photo 1.PNG',
    './a//Photo 1.PNG': 'a/Photo 1.PNG',
    '/a/Photo 1.PNG': 'a/Photo 1.PNG',
    'images/a/Photo 1.PNG': 'a/Photo 1.PNG',
    'set/images/a/Photo 1.PNG': 'a/Photo 1.PNG',
    'C:\\Users\\me\\set\\Images\\a\\photo 1.png': 'a/Photo 1.PNG',
    '/elsewhere/images/c.png': 'c.png',
    'a/' + unicodedata.normalize('NFD', 'Zoë.png'): f'a/{COMPOSED}',
    'b/One.png': None,  # two are as near
    'b/one.png': 'b/one.png',
    'x/c.png': None,  # another folder is another photograph
    'c.jpg': None,
    'a': None,
    '': None,
    'a\0b': None,
    '\ud800.png': None,
    'x' * 5000: None,
}


@pytest.mark.parametrize('name', NEAR)
def test_the_one_file_that_is_near(folder, name):
    wanted = NEAR[name]
    found = PhotoFinder(folder).nearest(name)
    assert found == (None if wanted is None else os.path.join(folder, wanted))
    lenient = PhotoFinder(folder, 'lenient')
    assert os.path.normpath(lenient.path(name)) == (
        found or os.path.normpath(os.path.join(folder, name))
    )
    assert PhotoFinder(folder).path(name) == os.path.join(folder, name)


def test_what_is_there_is_read_as_it_is_named(folder, tmp_path):
    """Absolute names and those that lead elsewhere are no other photographs'."""
    for name in (os.path.join(folder, 'b', 'ONE.png'), '../images/c.png'):
        assert PhotoFinder(folder, 'lenient').path(name) == os.path.join(folder, name)


def load(folder, *names, size_wh=(100, 80), **arguments):
    root = os.path.dirname(folder)
    points = SHAPE * 60 + [50, 40]
    faces = [records(i + 1, n, size_wh, (50, 40), 60, points) for i, n in enumerate(names)]
    write_annotations(Path(root), 'train', faces)
    return BaseCocoStyleDataset(
        data_root=root,
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        metainfo={'from_file': 'configs/_base_/datasets/aflw.py'},
        pipeline=arguments.pop('pipeline', [{'type': 'LoadImage'}]),
        **arguments,
    )


def test_the_message_names_it_and_the_switch_reads_it(folder, monkeypatch):
    lines = []
    monkeypatch.setattr(base_coco_style_dataset, 'print_log', lambda text, **_: lines.append(text))
    with pytest.raises(MissingImageError) as caught:
        load(folder, 'A\\photo 1.png', 'c.png')[0]
    assert "Photo 1.PNG' does: dataset.file_names='lenient' reads it" in str(caught.value)
    assert '\n' not in str(caught.value)
    found = load(folder, 'A\\photo 1.png', 'c.png', file_names='lenient')
    assert found[0]['img'].shape == (80, 100, 3)
    assert '1 photographs are read under another name (file_names), such as ' in lines[-1]
    with pytest.raises(MissingImageError, match=r"gone\.png' does not exist$"):
        load(folder, 'gone.png')[0]


def test_a_folder_is_listed_once_for_all_photographs_that_are_missing(folder, monkeypatch):
    """A set of 20,000 whose names have another case is told of within seconds."""
    listed = []
    listing = file_names._listed
    monkeypatch.setattr(file_names, '_listed', lambda name: listed.append(name) or listing(name))
    step = LoadImage()
    for name in ('C.png', 'C.PNG', 'd.png'):
        with pytest.raises(MissingImageError):
            step.transform({'img_path': os.path.join(folder, name), 'img_folder': folder})
    assert listed == [folder]


def test_crops_and_detections_have_the_same_names(folder):
    root = os.path.dirname(folder)
    steps = [{'type': 'LoadImage'}, {'type': 'GetBBoxCenterScale'}]
    steps += [{'type': 'TopdownAffine', 'input_size': (32, 32)}, {'type': 'PackPoseInputs'}]
    found = load(folder, 'C.png', file_names='lenient', cache=True, pipeline=steps)
    assert found[0]['inputs'].shape == (3, 32, 32)
    with open(os.path.join(root, 'boxes.json'), 'w') as file:
        json.dump([{'image_id': 1, 'bbox': [1, 2, 30, 40], 'score': 1}], file)
    arguments = {'bbox_file': 'boxes.json', 'test_mode': True, 'file_names': 'lenient'}
    assert load(folder, 'C.png', **arguments)[0]['img_path'].endswith('images/c.png')


@pytest.mark.parametrize('name', ['s3://bucket/a.png', 'https://example.org/a.png'])
def test_an_address_is_refused_before_anything_is_loaded(folder, name):
    with pytest.raises(InputError, match=rf"id 2 .*'file_name' '{name}' is an address"):
        load(folder, 'c.png', name)
    with pytest.raises(BadImageError, match='is an address, and files are read'):
        LoadImage()({'img_path': name})


def test_an_address_is_fetched_by_what_is_named(folder, monkeypatch):
    asked = []

    def get(path, backend_args):
        asked.append((path, backend_args))
        with open(os.path.join(folder, 'c.png'), 'rb') as file:
            return file.read()

    monkeypatch.setattr('mmpose_lite.utils.images.read_remote', get)
    step = {'type': 'LoadImage', 'backend_args': {'backend': 'http'}}
    found = load(folder, 'https://example.org/a.png', pipeline=[step])
    assert found[0]['img'].shape == (80, 100, 3)
    assert asked == [('https://example.org/a.png', {'backend': 'http'})]


@pytest.mark.parametrize(
    'backend_args', [{'backend': 'nowhere'}, {'backend': 'petrel'}, {'backend': 'http', 'hots': 1}]
)
def test_what_cannot_fetch_is_named(backend_args):
    loader = LoadImage(backend_args=backend_args)
    message = f"a.png' cannot be fetched by .*'{backend_args['backend']}'"
    with pytest.raises(BadImageError, match=message) as caught:
        loader({'img_path': 's3://bucket/a.png'})
    assert '\n' not in str(caught.value)


def test_check_data_names_both(faces_to_check):
    def rename(content):
        content['images'][3]['file_name'] = 'images\\FACE3.png'
        content['images'][4]['file_name'] = 's3://bucket/face4.png'

    faces_to_check.edit(rename)
    found = faces_to_check.texts(faces_to_check.check()['faults'], 'image')
    assert len(found) == 2
    assert "face3.png' does: dataset.file_names='lenient' reads it" in found[0]
    assert 's3://bucket/face4.png: is an address' in found[1]
    faces_to_check.edit(lambda content: content['images'][4].update(file_name='face4.png'))
    option = 'train_dataloader.dataset.dataset.file_names=lenient'
    report = faces_to_check.check('--cfg-options', option)
    assert report['faults'] == []
    assert 'read under another name' in faces_to_check.texts(report['notes'])[0]
