"""tools/check_data.py finds bad images and records, and nothing where all is right."""

import os
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from mmpose_lite.cli.check_data import main


def test_a_sound_set_has_no_faults(faces_to_check, capsys):
    report = faces_to_check.check()
    assert report['faults'] == report['notes'] == []
    train, test = report['splits']  # the file of two loaders is checked once
    assert (train['name'], train['images'], train['faces']) == ('train', 12, 12)
    assert (test['name'], test['faces'], test['subsets']) == ('val, test', 5, {'frontal': 2})
    assert train['aflw'] == test['aflw'] == 0  # AFLW's file names, but not its photographs'
    assert train['left_right'] == pytest.approx(0.3, abs=0.15)
    printed = capsys.readouterr().out
    assert 'frontal' in printed
    assert '0 faults, 0 notes' in printed
    assert 'of AFLW' not in printed


def test_the_parts_of_a_split_are_counted(faces_to_check, capsys):
    options = 'train_dataloader.dataset.dataset.train_val_split.part=train'
    share = 'train_dataloader.dataset.dataset.train_val_split.val_share=0.4'
    train, _ = faces_to_check.check('--cfg-options', options, share)['splits']
    assert train['faces'] == 12
    assert 0 < train['parts']['train'] < 12
    assert re.search(rf'train part .* {train["parts"]["train"]} ', capsys.readouterr().out)


def test_findings_do_not_replace_the_hashes(faces_to_check):
    faces_to_check.check('--write-manifest')
    (manifest,) = faces_to_check.root.rglob('manifest.json')
    with pytest.raises(SystemExit, match=r"--json: '.*manifest\.json' would be written over"):
        main([str(faces_to_check.root / 'config.py'), '--json', str(manifest)])


def jpeg(path, **options):
    image = cv2.imread(str(path))
    Image.fromarray(image[..., ::-1]).save(path, 'JPEG', quality=90, **options)
    return path.read_bytes()


def cut(path):
    path.write_bytes(jpeg(path)[:-200])


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg(path, exif=exif)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def loop(path):
    path.unlink()
    path.symlink_to(path.name)


def other_size(path):
    cv2.imwrite(str(path), np.zeros((33, 44, 3), np.uint8))


IMAGES = [
    (lambda path: path.unlink(), 'image', 'does not exist'),
    (lambda path: path.write_bytes(b''), 'image', 'not an image that can be decoded .0 bytes'),
    (lambda path: path.write_bytes(b'hello' * 99), 'image', 'not an image that can be decoded'),
    (cut, 'image', 'ends early'),
    (pipe, 'image', 'is a pipe'),
    (loop, 'image', 'cannot be read'),
    (lambda path: (path.unlink(), path.mkdir()), 'image', 'is a folder'),
    (other_size, 'size', 'has 44x33 pixels, but the annotations have width'),
]


@pytest.mark.parametrize(('damage', 'kind', 'message'), IMAGES, ids=[m for *_, m in IMAGES])
def test_a_bad_image_is_named_in_every_set_that_has_it(faces_to_check, damage, kind, message):
    damage(faces_to_check.image)
    report = faces_to_check.check()
    assert [each['split'] for each in report['faults']] == ['train', 'val, test']
    for each in report['faults']:
        assert each['kind'] == kind
        assert each['where'].endswith('face3.png')
        assert message.replace('.0', '(0') in each['problem']


def test_an_orientation_is_noted(faces_to_check):
    turned(faces_to_check.image)
    report = faces_to_check.check()
    assert report['faults'] == []
    assert 'EXIF orientation' in faces_to_check.texts(report['notes'])[0]


def test_sizes_of_the_turned_photograph_are_explained(faces_to_check):
    turned(faces_to_check.image)

    def swap(content):
        image = content['images'][3]
        image['width'], image['height'] = image['height'], image['width']

    faces_to_check.edit(swap)
    (fault,) = faces_to_check.check()['faults']
    assert "as its EXIF orientation (6) turns it: LoadImage(exif='apply')" in fault['problem']


def change(index, **fields):
    return lambda content: content['annotations'][index].update(fields)


def move(index, by, points=slice(None)):
    def edit(content):
        values = np.array(content['annotations'][index]['keypoints']).reshape(-1, 3)
        values[points, :2] += by
        content['annotations'][index]['keypoints'] = values.ravel().tolist()

    return edit


def one_place(content):
    content['annotations'][2]['keypoints'] = [50.0, 50.0, 1] * 19


def twice(key, **fields):
    return lambda content: content[key].append({**content[key][1], **fields})


RECORDS = [
    (change(2, bbox=[5, 6, 0, 9]), 'box', "annotation id 3 .*'bbox' has no area"),
    (change(2, bbox=[5, 6, float('nan'), 9]), 'box', "id 3 .*'bbox' must hold finite .* nan"),
    (change(2, scale=-0.4), 'box', "id 3 .*'scale' must be a number above 0, it is -0.4"),
    (
        change(2, center=[1e9, 5]),
        'box',
        "id 3 .*'center' must hold finite numbers, it holds 1000000000",
    ),
    (change(2, center=[900, 5]), 'box', 'id 3 .*box lies outside of the image'),
    (change(2, box_size=0), 'box', "id 3 .*'box_size' must be a number above 0"),
    (change(2, keypoints=[1.0] * 56 + ['a']), 'points', "id 3 .*'keypoints' must hold .* 'a'"),
    (change(2, keypoints=[1.0] * 54), 'points', 'id 3 .*holds 18 points, the metainfo names 19'),
    (move(2, 300), 'points', 'id 3 .*sides outside of the box'),
    (move(2, [150, 0], points=4), 'points', r'id 3 .*point 4 at \(.*sides outside of the box'),
    (one_place, 'points', 'id 3 .*points lie in one place'),
    (twice('annotations'), 'annotations', "'annotations' holds the id 2 twice"),
    (twice('images'), 'annotations', "'images' holds the id 2 twice"),
    (twice('images', id=77), 'annotations', "'face1.png' is listed twice, as image id 2 and 77"),
    (twice('annotations', id=77), 'annotations', 'annotation ids 2 and 77 are the same face'),
    (change(2, image_id=55), 'annotations', 'id 3: there is no image with image_id=55'),
    (change(2, image_id=[5]), 'annotations', r'id 3: there is no image with image_id=\[5\]'),
    (lambda content: content.pop('images'), 'annotations', "'images' must be a list"),
]


@pytest.mark.parametrize(('damage', 'kind', 'message'), RECORDS, ids=[m for *_, m in RECORDS])
def test_a_bad_record_is_named(faces_to_check, damage, kind, message):
    faces_to_check.edit(damage)
    found = faces_to_check.texts(faces_to_check.check()['faults'], kind)
    assert any(re.search(message, text) for text in found), found


def test_a_point_that_is_half_a_box_outside_is_noted(faces_to_check):
    def beside(content):
        face = content['annotations'][2]
        x, y = face['center']
        face['keypoints'][:2] = [x + 1.2 * face['box_size'], y]

    faces_to_check.edit(beside)
    report = faces_to_check.check()
    assert report['faults'] == []
    assert 'point 0 at' in faces_to_check.texts(report['notes'], 'points')[0]
    assert '0.7 sides outside of the box' in faces_to_check.texts(report['notes'], 'points')[0]


def test_every_bad_record_is_listed_at_once(faces_to_check):
    for i in (1, 4, 6):
        faces_to_check.edit(change(i, scale=0))
    faces_to_check.image.unlink()
    assert len(faces_to_check.texts(faces_to_check.check()['faults'])) == 3 + 2


def test_images_without_a_face_are_noted(faces_to_check):
    faces_to_check.edit(lambda content: content['annotations'].pop(4))
    report = faces_to_check.check()
    assert report['faults'] == []
    assert "1 images have no face, such as 'face4.png'" in faces_to_check.texts(report['notes'])[0]


def test_rows_of_a_kind_are_limited_on_the_screen(faces_to_check, capsys):
    for path in (faces_to_check.root / 'images').iterdir():
        path.unlink()
    assert len(faces_to_check.check('--max-rows', '2')['faults']) == 17
    printed = capsys.readouterr().out
    assert 'and 10 more' in printed
    assert printed.count('does not exist') == 4


def test_a_config_without_data_is_refused(tmp_path):
    (tmp_path / 'empty.py').write_text('a = 1\n')
    with pytest.raises(SystemExit, match='error: the config names no data set'):
        main([str(tmp_path / 'empty.py')])
