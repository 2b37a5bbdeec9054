"""The crop cache gives the pixels of the photographs."""

import json
import os
import pickle
import shutil

import cv2
import numpy as np
import pytest
import torch

from helpers.crop_caches import AUGMENT, build, change_time, draw, opened, same_crops
from helpers.data_factory import make_face_set
from mmpose_lite.datasets.crop_cache import DamagedCropsError
from mmpose_lite.datasets.transforms import topdown_transforms
from mmpose_lite.errors import InputError, MissingFileError


@pytest.fixture
def root(tmp_path):
    return make_face_set(tmp_path / 'faces', train=6, test=2)


@pytest.mark.parametrize(
    'augment',
    [AUGMENT, [], [{'type': 'RandomFlip', 'direction': ['vertical', 'diagonal'], 'prob': 0.8}]],
    ids=['augmented', 'plain', 'upside down'],
)
@pytest.mark.parametrize('size', [(32, 32), (48, 32), (160, 160)], ids=str)
def test_cached_crops_are_those_of_the_photographs(root, augment, size):
    cached = build(root, augment=augment, size=size)
    assert same_crops(cached, build(root, None, augment, size))
    # Photographs are not opened again.
    shutil.rmtree(root / 'images')
    assert draw(cached)


def test_one_file_holds_every_face_of_a_photograph(root):
    path = root / 'annotations' / 'face_landmarks_aflw_train.json'
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        annotation['image_id'] = content['images'][0]['id']
    path.write_text(json.dumps(content))
    cached = build(root)
    assert len(cached.crops.file) == 6
    assert same_crops(cached, build(root, None))


def test_pixels_that_no_zoom_needs_are_left_out(root):
    small = opened(build(root, {'shrink': True}, size=(16, 16)))
    whole = opened(build(root, size=(16, 16)))
    assert len(small.pixels) < 0.3 * len(whole.pixels)
    for i, (height, width) in enumerate(small.shapes_hw):
        x, y, window_width, window_height, shrink = small[i].window
        assert shrink >= 2
        photograph = cv2.imread(str(root / 'images' / f'face{i}.png')).astype(float)
        part = photograph[y : y + window_height, x : x + window_width]
        blocks = part.reshape(height, shrink, width, shrink, 3)
        assert np.abs(blocks.mean(axis=(1, 3)) - small[i].pixels).max() <= 0.51


def test_shrunk_crops_lie_where_the_photograph_does(root):
    # A ramp stays a ramp when its blocks are averaged.
    for path in (root / 'images').iterdir():
        height, width = cv2.imread(str(path)).shape[:2]
        ramp = np.add.outer(np.arange(height), np.arange(width))
        cv2.imwrite(str(path), np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8))
    shrunk = build(root, {'shrink': True}, size=(16, 16))
    plain = build(root, None, size=(16, 16))
    for one, two in zip(draw(shrunk), draw(plain), strict=True):
        # Where the photograph ends the two fade out differently.
        inside = (two['inputs'] > 0).all(dim=0).numpy().astype(np.uint8)
        edges = {'borderType': cv2.BORDER_CONSTANT, 'borderValue': 0}
        inner = torch.from_numpy(cv2.erode(inside, np.ones((5, 5)), **edges) > 0)
        difference = (one['inputs'].int() - two['inputs'].int()).abs()[:, inner]
        assert inner.sum() > 40
        assert difference.max() <= 2


def test_of_a_large_crop_only_what_a_warp_reads_is_moved(tmp_path, monkeypatch):
    """Also where it lies partly, or wholly, beside the photograph."""
    root = make_face_set(tmp_path / 'faces', train=6, test=2)
    monkeypatch.setattr(topdown_transforms, '_CUT_BEYOND', 0)
    parts = []
    cut = topdown_transforms._cut

    def watch(image, *others):
        part, matrix = cut(image, *others)
        parts.append(part.size / image.size)
        return part, matrix

    monkeypatch.setattr(topdown_transforms, '_cut', watch)
    far = [AUGMENT[0], {**AUGMENT[1], 'shift_factor': 3.0, 'shift_prob': 1.0}]
    for augment in (AUGMENT, far):
        assert same_crops(build(root, augment=augment), build(root, None, augment))
    assert len(parts) == 96
    assert min(parts) < 0.4


@pytest.mark.slow
def test_what_cannot_be_cached_is_named(root):
    with pytest.raises(InputError, match='cache=3 is neither'):
        build(root, 3)
    with pytest.raises(InputError, match='shrunk'):
        build(root, {'shrunk': True})
    with pytest.raises(InputError, match='Albumentation comes before the crop'):
        build(root, augment=[{'type': 'Albumentation', 'transforms': [{'type': 'Blur'}]}])
    with pytest.raises(InputError, match='TopdownAffine'):
        build(root, steps=[{'type': 'LoadImage'}])
    with pytest.raises(InputError, match='LoadImage'):
        build(root, steps=build(root, None).pipeline.transforms[1:])
    grey = [{'type': 'LoadImage', 'color_type': 'grayscale'}]
    grey += build(root, None).pipeline.transforms[1:]
    with pytest.raises(InputError, match='3 channels'):
        build(root, steps=grey)
    os.remove(root / 'images' / 'face4.png')
    with pytest.raises(MissingFileError, match=r'face4\.png'):
        build(root)


def test_colours_may_change_before_the_crop(root):
    steps = [*AUGMENT, {'type': 'PhotometricDistortion'}, {'type': 'YOLOXHSVRandomAug'}]
    cached, plain = build(root, augment=steps), build(root, None, augment=steps)
    # Colours are rounded in another order than crops are.
    for one, two in zip(draw(cached), draw(plain), strict=True):
        assert (one['inputs'].int() - two['inputs'].int()).abs().float().mean() < 0.1


def test_without_a_warp_the_map_is_handed_on(root):
    dataset, plain = build(root), build(root, None)
    dataset.pipeline.transforms[-2].warp = False
    for one, two in zip(draw(dataset), draw(plain), strict=True):
        image = one['inputs'].permute(1, 2, 0).numpy()
        crop = cv2.warpAffine(image, one['data_samples'].warp_mat, (32, 32))
        assert np.abs(crop.astype(int) - two['inputs'].permute(1, 2, 0).numpy()).max() <= 1


def test_samples_can_tell_their_crop_only(root):
    dataset = build(root)
    dataset.full_init()
    dataset.pipeline.transforms[-2].warp = False
    dataset.pipeline.transforms[-1].pack_pixels = False
    dataset.crops.leave_pixels(10)
    assert [int(dataset[i]['inputs']) for i in range(3)] == [10, 11, 12]
    assert torch.is_tensor(dataset[0]['inputs'])


def test_a_copy_of_a_data_set_reads_no_other_crops(root):
    dataset = build(root)
    copy = pickle.dumps(dataset)
    assert same_crops(pickle.loads(copy), build(root, None))
    change_time(root)
    build(root)
    with pytest.raises(DamagedCropsError, match='something else'):
        pickle.loads(copy)


def test_two_sets_of_one_name_have_a_file_each(root, tmp_path):
    other = make_face_set(tmp_path / 'other', train=6, test=2)
    for image in (other / 'images').iterdir():
        cv2.imwrite(str(image), 255 - cv2.imread(str(image)))
    first, second = (build(each, str(tmp_path / 'crops')) for each in (root, other))
    assert first.crops.file.path != second.crops.file.path
    assert same_crops(first, build(root, None))
    assert same_crops(second, build(other, None))


def test_shrunk_crops_of_a_white_photograph_are_white(root):
    for path in (root / 'images').iterdir():
        cv2.imwrite(str(path), np.full((900, 1000, 3), 255, np.uint8))
    path = root / 'annotations' / 'face_landmarks_aflw_train.json'
    content = json.loads(path.read_text())
    for image, face in zip(content['images'], content['annotations'], strict=True):
        image.update(width=1000, height=900)
        face.update(center=[500.0, 450.0], scale=2.5, box_size=500.0, bbox=[250, 200, 500, 500])
    path.write_text(json.dumps(content))
    # Its points are of another photograph.
    settings = {'augment': [], 'size': (64, 64), 'on_implausible': 'warn'}
    dataset = build(root, {'shrink': True}, **settings)
    assert dataset.crops.file[0].window.shrink > 4
    assert all((dataset[i]['inputs'] == 255).all() for i in range(len(dataset)))


def test_boxes_that_vary_twice_reach_further(root):
    twice = [
        {'type': 'RandomBBoxTransform', 'scale_factor': (0.5, 1.5), 'shift_factor': factor}
        for factor in (0.1, 0.2)
    ]
    for step in twice:
        step.update(shift_prob=1, rotate_prob=0)
    assert same_crops(build(root, augment=twice), build(root, None, twice))
