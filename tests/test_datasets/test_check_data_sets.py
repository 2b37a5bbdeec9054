"""tools/check_data.py finds what is wrong with a whole set: sides, numbers, silent damage."""

import io

import numpy as np
import pytest
from PIL import Image

FLIP = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 14, 13, 12, 17, 16, 15, 18]


def swap(indices):
    def edit(content):
        for annotation in content['annotations'][indices]:
            points = np.array(annotation['keypoints']).reshape(-1, 3)
            annotation['keypoints'] = points[FLIP].ravel().tolist()

    return edit


def test_a_swapped_set_is_found(faces_to_check):
    faces_to_check.edit(swap(slice(None)))
    (fault,) = faces_to_check.check()['faults']
    assert (fault['split'], fault['kind']) == ('train', 'left-right')
    assert "left and right are swapped: in 'aflw' left is the image's" in fault['problem']


def test_a_set_swapped_by_half_is_found(faces_to_check):
    faces_to_check.edit(swap(slice(0, 12, 2)))
    assert faces_to_check.texts(faces_to_check.check()['faults'], 'left-right')


def test_a_face_swapped_alone_is_noted(faces_to_check):
    faces_to_check.edit(swap(slice(7, 8)))
    report = faces_to_check.check()
    assert report['faults'] == []
    (note,) = faces_to_check.texts(report['notes'])
    assert "annotation id 8: left and right may be swapped in image 'face7.png'" in note


def test_two_points_that_are_mixed_up_are_no_mirror_pair(faces_to_check):
    def mix(content):
        order = list(range(19))
        order[15], order[6] = 6, 15  # a corner of the mouth and one of an eye
        for annotation in content['annotations']:
            points = np.array(annotation['keypoints']).reshape(-1, 3)
            annotation['keypoints'] = points[order].ravel().tolist()

    faces_to_check.edit(mix)
    found = faces_to_check.texts(faces_to_check.check()['faults'], 'left-right')
    assert len(found) == 2
    assert 'MouthLeftCorner and MouthRightCorner are not a mirror pair' in found[1]


def test_a_set_that_claims_to_be_aflw_has_its_numbers(faces_to_check):
    def rename(content):
        for image in content['images']:
            image['file_name'] = f'image{image["id"]:05}.png'

    for split in ('train', 'test', 'test_frontal'):
        faces_to_check.edit(rename, split)
    for i in range(12):
        (faces_to_check.root / 'images' / f'face{i}.png').rename(
            faces_to_check.root / 'images' / f'image{i + 1:05}.png'
        )
    found = faces_to_check.texts(faces_to_check.check()['faults'], 'counts')
    assert found == [
        'face_landmarks_aflw_train.json: has 12 faces, AFLW has 20000 there',
        'face_landmarks_aflw_test.json: has 5 faces, AFLW has 4386 there',
        'face_landmarks_aflw_test_frontal.json: has 2 faces, AFLW has 1314 there',
    ]
    assert faces_to_check.check('--aflw', 'no')['faults'] == []


def test_any_set_can_be_asked_for_aflw_s_numbers(faces_to_check):
    assert len(faces_to_check.texts(faces_to_check.check('--aflw', 'yes')['faults'], 'counts')) == 3


def test_a_subset_that_does_not_fit_is_named(faces_to_check):
    def move(content):
        points = np.array(content['annotations'][0]['keypoints']).reshape(-1, 3)
        content['annotations'][0]['keypoints'] = np.add(points, [30, 30, 0]).ravel().tolist()

    faces_to_check.edit(move, 'test_frontal')
    (fault,) = faces_to_check.texts(faces_to_check.check()['faults'], 'subset')
    assert 'frontal: ' in fault
    assert 'match no face' in fault


def test_indices_that_a_set_has_not_are_named(faces_to_check):
    option = 'test_dataloader.dataset.indices=[0,5]'
    (fault,) = faces_to_check.texts(faces_to_check.check('--cfg-options', option)['faults'])
    assert 'face_landmarks_aflw_test.json: indices=[0, 5]: ' in fault
    assert 'has 5 usable faces, and no face 5' in fault
    option = 'train_dataloader.dataset.dataset.indices=[0,11]'
    assert not faces_to_check.check('--cfg-options', option)['faults']


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_with_end(path):
    path.write_bytes(path.read_bytes()[:-300] + b'\xff\xd9')


@pytest.mark.parametrize(
    ('damage', 'message'), [(flip_bit, 'the hash is not'), (cut_with_end, 'bytes, ')]
)
def test_silent_damage_shows_beside_a_manifest(faces_to_check, damage, message):
    image = io.BytesIO()
    Image.open(faces_to_check.image).save(image, 'JPEG', quality=90)
    faces_to_check.image.write_bytes(image.getvalue())
    assert faces_to_check.check('--write-manifest')['manifests']
    assert faces_to_check.check()['faults'] == []
    damage(faces_to_check.image)
    if damage is cut_with_end:  # the decoder sees nothing
        (faces_to_check.root / 'annotations' / 'manifest.json').rename(
            faces_to_check.root / 'kept.json'
        )
        assert faces_to_check.check()['faults'] == []
        (faces_to_check.root / 'kept.json').rename(
            faces_to_check.root / 'annotations' / 'manifest.json'
        )
    found = faces_to_check.texts(faces_to_check.check()['faults'], 'manifest')
    assert len(found) == 2
    assert all('face3.png' in text and message in text for text in found)


def test_a_manifest_knows_the_annotations_too(faces_to_check):
    faces_to_check.check('--write-manifest', '--manifest', str(faces_to_check.root / 'hashes.json'))
    faces_to_check.edit(lambda content: content['annotations'][2].update(area=3))
    (fault,) = faces_to_check.check('--manifest', str(faces_to_check.root / 'hashes.json'))[
        'faults'
    ]
    assert fault['where'].endswith('aflw_train.json')


def test_a_damaged_manifest_is_refused_and_can_be_written_anew(faces_to_check):
    faces_to_check.check('--write-manifest')
    path = faces_to_check.root / 'annotations' / 'manifest.json'
    path.write_text(path.read_text().replace('a', 'b', 40))
    assert 'manifest' in faces_to_check.texts(faces_to_check.check()['faults'], 'manifest')[0]
    faces_to_check.check('--write-manifest')
    assert faces_to_check.check()['faults'] == []


def test_no_manifest_is_written_of_damaged_images(faces_to_check):
    faces_to_check.image.write_bytes(b'')
    report = faces_to_check.check('--write-manifest')
    assert report['manifests'] == []
    assert not (faces_to_check.root / 'annotations' / 'manifest.json').exists()
    assert 'is not written' in faces_to_check.texts(report['faults'], 'manifest')[0]
